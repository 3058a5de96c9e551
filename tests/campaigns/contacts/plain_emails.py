"""S-4 read in plain Python, one address at a time: what the columns must equal."""

from __future__ import annotations

import re
import string

import idna

WHITE_SPACE = (  # and zero-width characters
    "\u200b\u200c\u200d\u2060\ufeff\t\n\v\f\r"
    " \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
LOCAL = set(string.ascii_lowercase + string.digits + "!#$%&'*+/=?^_`{|}~-")
LABEL = set(string.ascii_lowercase + string.digits + "-")

Judged = tuple[str | None, str | None, str | None]


def judge(
    written: str | None, blacklist: list[str], whitelist: list[str], disposable: set[str]
) -> Judged:
    """`email`, `tag` and `reason` of one address; list entries are lower-cased and in ASCII."""
    if written is None or not written.strip(WHITE_SPACE):
        return None, "missing_email", None
    email = stored_form(written.strip(WHITE_SPACE).lower())
    if email is None:
        return None, "invalid_email", None
    return email, None, refusal(email, blacklist, whitelist, disposable)


def stored_form(address: str) -> str | None:
    """The address with its domain in IDNA form, or None if it is malformed."""
    if address.count("@") != 1:
        return None
    local, domain = address.split("@")
    if re.search(r"=\?.*\?.*\?.*\?=", local):
        return None
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            return None
    well_formed = (
        1 <= len(local) <= 64
        and all(atom and set(atom) <= LOCAL for atom in local.split("."))
        and len(domain.split(".")) >= 2
        and all(is_label(label) for label in domain.split("."))
        and not domain.split(".")[-1].isdigit()
        and len(local) + 1 + len(domain) <= 254
    )
    return f"{local}@{domain}" if well_formed else None


def is_label(label: str) -> bool:
    """An `xn--` label must decode to something."""
    if label.startswith("xn--"):
        try:
            idna.decode(label)
        except idna.IDNAError:
            return False
    return 1 <= len(label) <= 63 and set(label) <= LABEL and label[0] != "-" and label[-1] != "-"


def refusal(
    email: str, blacklist: list[str], whitelist: list[str], disposable: set[str]
) -> str | None:
    if any(matches(pattern, email) for pattern in whitelist):
        return None
    domain = email.split("@")[1]
    labels = domain.split(".")
    with_parents = {".".join(labels[n:]) for n in range(len(labels))}
    if email in blacklist:
        return "blacklisted_email"
    for entry in blacklist:
        if entry.startswith("@") and (
            entry[1:] in with_parents or ("*" in entry and matches(entry[1:], domain))
        ):
            return "blacklisted_domain"
    return "disposable_domain" if with_parents & disposable else None


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text fits; `*` stands for any characters, also none."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    if not text.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return len(text) - at >= len(rest[-1]) and text.endswith(rest[-1])


def canonical(email: str) -> str:
    """S-6's form: `+tag` cut for everybody, dots dropped for Gmail, which has two domains."""
    local, domain = email.split("@")
    local = local if local.startswith("+") else local.split("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"
