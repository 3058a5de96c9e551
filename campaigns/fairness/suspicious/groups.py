"""A suspicious group, and how unlikely one has to be to be named. [X-13]

Each kind says how likely chance alone makes a group at least this odd, times the number of places
that were looked at (Bonferroni). The kinds share `LEVEL` equally: of a hundred reports on honest
files, one at most names a group. Chances are natural logarithms: a machine's are far below what a
double can hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from campaigns.choices import SuspiciousKind

LEVEL: Final = 0.01
FEWEST_FANS: Final = 8  # a family with numbers in a row is no machine
LOWEST: Final = -700.0  # the logarithm of the smallest chance that a double holds exactly

Numbers = npt.NDArray[np.int64]
Chances = npt.NDArray[np.float64]
About = Mapping[str, str | int]


@dataclass(frozen=True)
class Group:
    """Fans who look made by a machine. `lines`: of the score file, ascending. `expected`: how many
    fans chance alone would put here. `log_p`: the logarithm of the corrected chance. `about`: what
    a page can say of it; nothing in it is personal.
    """

    kind: SuspiciousKind
    lines: Numbers
    expected: float
    log_p: float
    about: About = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.lines)

    @property
    def corrected_p(self) -> float:
        return math.exp(max(self.log_p, LOWEST))


def log_limit(looked_at: int) -> float:
    """The logarithm of the chance up to which a group is named, where so many were looked at."""
    return math.log(LEVEL) - log_looks(looked_at)


def log_looks(looked_at: int) -> float:
    """What is added to the logarithm of a chance to correct it."""
    return math.log(max(looked_at, 1) * len(SuspiciousKind))


def lines_of(members: pl.DataFrame) -> Numbers:
    """The lines of some fans, ascending, each once."""
    return members["line"].cast(pl.Int64).unique().sort().to_numpy()


def in_order(groups: Iterable[Group]) -> list[Group]:
    """By kind, then the largest first; the same for the same fans, whatever order they came in."""
    kinds = list(SuspiciousKind)
    return sorted(
        groups, key=lambda group: (kinds.index(group.kind), -group.size, group.lines.tolist())
    )


def without_overlaps(groups: Iterable[Group]) -> list[Group]:
    """The largest first; without those that share a fan with a larger one."""
    kept: list[Group] = []
    taken: set[int] = set()
    for group in in_order(groups):
        if taken.isdisjoint(lines := group.lines.tolist()):
            kept.append(group)
            taken.update(lines)
    return kept
