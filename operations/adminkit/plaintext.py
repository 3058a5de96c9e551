"""Text that others wrote, for people to read: nothing in it is unseen, and nothing turns its
direction around.
"""

from __future__ import annotations

import unicodedata

HIDDEN_CATEGORIES = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")


def visible(text: str) -> str:
    """Characters that are not seen as `\\u202e`; line ends and tabs stay. Inside of JSON strings it
    means the same.
    """
    if text.isprintable():
        return text
    return "".join(
        char
        if char in "\n\t" or unicodedata.category(char) not in HIDDEN_CATEGORIES
        else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
