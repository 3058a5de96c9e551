"""A number and its noun, as people read them."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """`1 wave`, `2,000 waves`; `many` for what takes more than an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
