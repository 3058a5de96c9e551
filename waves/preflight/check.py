"""One line of a pre-flight: what was checked, its color, and what to do. [X-6]"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_SENTENCES: Final = 5


class Color(StrEnum):
    """A red line blocks the approval unless it is waived; a yellow one is to be read."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


Problem = tuple[Color, str]


@dataclass(frozen=True)
class Check:
    """`detail`: a sentence with what was found, and what to do where it is not green."""

    name: str
    ok: Color
    detail: str


def red(sentence: str) -> Problem:
    return Color.RED, sentence


def yellow(sentence: str) -> Problem:
    return Color.YELLOW, sentence


def judged(name: str, problems: Sequence[Problem], *, fine: str) -> Check:
    """The worst color of the problems, with their sentences, the worst first; green and `fine`
    where there are none.
    """
    if not problems:
        return Check(name, Color.GREEN, fine)
    reds = [sentence for color, sentence in problems if color == Color.RED]
    others = [sentence for color, sentence in problems if color != Color.RED]
    sentences = list(dict.fromkeys(reds + others))
    more = len(sentences) - MOST_SENTENCES
    shown = " ".join(sentences[:MOST_SENTENCES]) + (f" And {more} more." if more > 0 else "")
    return Check(name, Color.RED if reds else Color.YELLOW, shown)
