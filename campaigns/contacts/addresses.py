"""The form of one e-mail address, and the IDNA form of its domain. [S-4]"""

from __future__ import annotations

import re
from functools import lru_cache

import idna

ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
A_LABEL = "xn--"
LONGEST_ADDRESS = 254
LONGEST_LOCAL = 64
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOCAL = re.compile(rf"{ATOM}(?:\.{ATOM})*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ENCODED_WORD = re.compile(r"=\?.*\?.*\?.*\?=")


def is_address(text: str) -> bool:
    """Whether this is a well-formed address as it is stored: lower-cased, the domain in its IDNA
    form.
    """
    local, _, domain = text.partition("@")
    return (
        len(text) <= LONGEST_ADDRESS
        and len(local) <= LONGEST_LOCAL
        and _LOCAL.fullmatch(local) is not None
        and not has_encoded_word(local)
        and "." in domain
        and is_domain(domain)
    )


def has_encoded_word(local: str) -> bool:
    """Whether mail programs read an RFC 2047 word in it, and would mail to another address than
    was judged.
    """
    return _ENCODED_WORD.search(local) is not None


def is_domain(text: str) -> bool:
    """Whether this can be the domain of an address in its IDNA form, or a parent of one."""
    return (
        _DOMAIN.fullmatch(text) is not None
        and not text.rpartition(".")[2].isdigit()
        and idna_form(text) == text
    )


@lru_cache(maxsize=65_536)
def idna_form(domain: str) -> str | None:
    """A lower-cased domain in ASCII; None where it has no such form, or where one of its `xn--`
    labels decodes to nothing. What is ASCII beside that stays as it is.
    """
    try:
        if not domain.isascii():
            return idna.encode(domain, uts46=True).decode("ascii")
        for label in domain.split("."):
            if label.startswith(A_LABEL):
                idna.ulabel(label)
    except UnicodeError:  # all of idna's errors are such
        return None
    return domain
