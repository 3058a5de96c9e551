"""What a person without the right to personal data sees instead of it. [O-5]"""

from __future__ import annotations

DOT = "•"


def mask_email(email: str) -> str:
    """`anna@example.com` → `a•••@e•••.com`: enough to compare two rows, not enough to write to
    somebody.
    """
    local, at, domain = email.partition("@")
    if not at:
        return mask_text(email)
    name, _, top = domain.rpartition(".")
    return f"{local[:1]}{DOT * 3}@{name[:1]}{DOT * 3}.{top}"


def mask_pattern(pattern: str) -> str:
    """A line of a list: one person's address is masked; a domain or a pattern names no person and
    stays.
    """
    return mask_email(pattern) if "@" in pattern[1:] and "*" not in pattern else pattern


def mask_phone(phone: str) -> str:
    """`+12025550123` → `+1•••••••••23`: the last two digits, as banks do."""
    if len(phone) < 6:
        return DOT * len(phone)
    return f"{phone[:2]}{DOT * (len(phone) - 4)}{phone[-2:]}"


def mask_text(text: str) -> str:
    """`A7KX29QWER` → `A7••••••••`; short ones wholly. TM stands for no code and hides nothing.
    [K-3]
    """
    if text == "TM":
        return text
    kept = 2 if len(text) >= 6 else 0
    return text[:kept] + DOT * (len(text) - kept)
