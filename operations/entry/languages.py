"""Languages as BCP 47 tags: well-formed, in canonical case, and what each falls back to. Pure.
[C-4, N-1]
"""

from __future__ import annotations

import re
from typing import Any, Final

from operations.entry import values
from operations.errors import BadValue

LONGEST: Final = 35  # as RFC 5646 advises
# A language of two or three letters, and its extended languages, script, region, variants,
# extensions and private use. Longer languages are allowed, but no such one is registered.
_TAG: Final = re.compile(
    r"[a-z]{2,3}(-[a-z]{3}){0,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?"
    r"(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[0-9a-wy-z](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?",
    re.ASCII,
)


def canonical(tag: str) -> str:
    """The tag as it is stored, such as pt-BR or zh-Hant; empty where it is not well-formed.
    Underscores, which many programs write, count as hyphens.
    """
    lowered = tag.lower().replace("_", "-")
    if len(tag) > LONGEST or not _TAG.fullmatch(lowered):
        return ""
    first, *others = lowered.split("-")
    parts = [first]
    for part in others:
        behind_a_singleton = any(len(each) == 1 for each in parts)
        parts.append(part if behind_a_singleton else _cased(part))
    return "-".join(parts)


def _cased(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part


def fallbacks(tag: str) -> tuple[str, ...]:
    """The tag and what it falls back to, the closest first: pt-BR, then pt (RFC 4647, Lookup). None
    of an empty one.
    """
    found = []
    parts = tag.split("-") if tag else []
    while parts:
        found.append("-".join(parts))
        parts.pop()
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts.pop()
    return tuple(found)


def language(key: str, value: Any) -> str:
    """A tag in its canonical case. Raises BadValue."""
    given = values.text(key, value).strip()
    if found := canonical(given):
        return found
    raise BadValue(
        key, f"{values.shown(given)} is not a language. Use a tag such as en, fr or pt-BR."
    )
