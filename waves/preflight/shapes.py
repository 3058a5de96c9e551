"""Members whose texts have the same shape: one of each stands for all of them, so that the segments
of every text are exact though only a few are rendered. [X-6]

A text's segments follow from the width of each of its characters. Within one market and language
only the access code and the fan's own link vary. The shape of a code keeps what decides its width:
`a` for a character of GSM-7, `^` for one of its extension, any other character as it is.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from waves.messages.sms_segments import BASIC, EXTENSION

# How a link writes an id (percent-encoded UTF-8): `~` stays, and costs two septets.
_IN_LINK: Final = (
    (r"[A-Za-z0-9_.\-]", "a"),
    (r"[\x00-\x7f--[a~]]", "aaa"),
    (r"[\x{80}-\x{7ff}]", "a" * 6),
    (r"[\x{800}-\x{ffff}]", "a" * 9),
    (r"[^\x00-\x{ffff}]", "a" * 12),
)


def _one_of(characters: frozenset[str]) -> str:
    """A regular expression of one of these characters."""
    return "[" + "".join(f"\\x{{{ord(each):x}}}" for each in sorted(characters)) + "]"


def code_shape(code: pl.Expr) -> pl.Expr:
    """The shape of access codes."""
    # The extension first: its mark is one of its own characters, and in no other class.
    return (
        pl.when(code == "TM")
        .then(pl.lit("TM"))
        .otherwise(
            code.str.replace_all(_one_of(EXTENSION), "^").str.replace_all(_one_of(BASIC), "a")
        )
    )


def link_shape(fan: pl.Expr) -> pl.Expr:
    """The shape of the part of a fan's own link that varies: their id."""
    for pattern, shape in _IN_LINK:
        fan = fan.str.replace_all(pattern, shape)
    return fan
