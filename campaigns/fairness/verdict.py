"""Is the draw of a score file fair? Luck is tested for being uniform, groups of fans for being
selected as chance would. [X-3]

All tests of a report are corrected together by Holm's way, so that of a hundred reports on fair
draws one is red by chance. The counts of a group are judged by their exact distribution given the
raw bands, not by an approximation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, Literal, TypedDict

import numpy as np
import numpy.typing as npt

from campaigns.draw import BANDS
from campaigns.fairness.distributions import chi_square_p, hypergeometric, kolmogorov_p

# of luck that are counted: the distance of Kolmogorov–Smirnov is found to half a hundredth of
# itself
CELLS: Final = 1 << 14
SHOWN_CELLS: Final = 32  # of luck that chi-square compares and the page shows
LEVEL: Final = 0.01  # of the whole report: how often a fair draw looks unfair
USUAL: Final = 0.95  # of fair draws stay in the range shown for one group
FEWEST_EXPECTED: Final = 5.0
ALL: Final = "all"

Verdict = Literal["fair", "look", "none"]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """Fans who have something in common: how many there are by band, and how many of them are
    selected.
    """

    by: str
    name: str
    fans: Mapping[str, int]
    selected: Mapping[str, int]


class LuckTest(TypedDict):
    """Whether luck is uniform in one band, or in all: counts in SHOWN_CELLS equal cells and both
    tests; p corrected by Holm.
    """

    band: str
    fans: int
    cells: list[int]
    chi_square: float
    chi_square_p: float
    distance: float
    distance_p: float
    corrected_p: float
    verdict: Verdict


class GroupTest(TypedDict):
    """One group: `low` to `high` holds 95 % of fair draws, outside `least` to `most` it is a
    finding of the whole report.
    """

    by: str
    name: str
    fans: int
    selected: int
    expected: float
    z: float
    low: int
    high: int
    least: int
    most: int
    p: float
    corrected_p: float
    verdict: Verdict


class Findings(TypedDict):
    """What all tests say together: `tests` were made, `found` of them say “look for a fault”."""

    verdict: Verdict
    tests: int
    found: int
    luck: list[LuckTest]
    groups: list[GroupTest]


@dataclass(frozen=True)
class _Chance:
    """How many of a group a fair draw selects: `first`, and the chance of it and of each count that
    follows.
    """

    first: int
    chances: npt.NDArray[np.float64]
    # of the expected, what luck decides: a band selected as a whole leaves it nothing
    by_luck: float

    @property
    def mean(self) -> float:
        return self.first + float(np.arange(len(self.chances)) @ self.chances)

    @property
    def deviation(self) -> float:
        places = np.arange(len(self.chances)) + self.first - self.mean
        return math.sqrt(float(places**2 @ self.chances))

    def p(self, count: int) -> float:
        """Twice the chance to lie at `count` or further out on its side."""
        at = min(max(count - self.first, 0), len(self.chances) - 1)
        below, above = float(self.chances[: at + 1].sum()), float(self.chances[at:].sum())
        return min(1.0, 2 * min(below, above))

    def limits(self, level: float) -> tuple[int, int]:
        """The least and the most count whose p is above `level`."""
        below, above = np.cumsum(self.chances), np.cumsum(self.chances[::-1])
        least = int(np.argmax(below > level / 2))
        most = len(self.chances) - 1 - int(np.argmax(above > level / 2))
        return self.first + least, self.first + most

    @property
    def says_something(self) -> bool:
        return self.by_luck >= FEWEST_EXPECTED and len(self.chances) > 1


def judge(luck: Mapping[str, Counts], groups: Sequence[Group]) -> Findings:
    """Test luck (band → counts in CELLS equal cells) and the groups; the groups of one `by` share
    out all fans. [X-3]
    """
    lucks = [_luck_test(band, counts) for band, counts in _with_all(luck).items()]
    chances = _chances(groups)
    tried = [_group_test(group, chance) for group, chance in zip(groups, chances, strict=True)]
    ps = [
        p
        for test in lucks
        if test["verdict"] != "none"
        for p in (test["chi_square_p"], test["distance_p"])
    ]
    ps += [test["p"] for test in tried if test["verdict"] != "none"]
    corrected = iter(holm(ps))
    for test in lucks:
        if test["verdict"] != "none":
            test["corrected_p"] = min(next(corrected), next(corrected))
            test["verdict"] = _verdict(test["corrected_p"])
    found = sum(p <= LEVEL for p in holm(ps))
    # where Holm's steps end: what is outside is found, what is inside is not
    last_level = LEVEL / max(len(ps) - found, 1)
    for one, chance in zip(tried, chances, strict=True):
        one["least"], one["most"] = chance.limits(last_level)
        if one["verdict"] != "none":
            one["corrected_p"] = next(corrected)
            one["verdict"] = _verdict(one["corrected_p"])
    verdict: Verdict = "none" if not ps else "look" if found else "fair"
    return {"verdict": verdict, "tests": len(ps), "found": found, "luck": lucks, "groups": tried}


def holm(ps: Sequence[float]) -> list[float]:
    """Each p corrected for all of them: of families of tests where nothing is the matter, a share
    of at most x has one at or below x, however the tests depend on each other.
    """
    corrected, so_far = [1.0] * len(ps), 0.0
    for step, at in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        so_far = max(so_far, min(1.0, (len(ps) - step) * ps[at]))
        corrected[at] = so_far
    return corrected


def _verdict(corrected: float) -> Verdict:
    return "look" if corrected <= LEVEL else "fair"


def _with_all(luck: Mapping[str, Counts]) -> dict[str, Counts]:
    nothing = np.zeros(CELLS, dtype=np.int64)
    bands = {band.name: luck.get(band.name, nothing) for band in BANDS}
    return {ALL: np.sum(list(bands.values()), axis=0), **bands}


def _luck_test(band: str, counts: Counts) -> LuckTest:
    fans = int(counts.sum())
    cells = counts.reshape(SHOWN_CELLS, -1).sum(axis=1)
    enough = fans >= FEWEST_EXPECTED * SHOWN_CELLS
    statistic = (
        float(((cells - fans / SHOWN_CELLS) ** 2).sum() / (fans / SHOWN_CELLS)) if fans else 0.0
    )
    line = np.arange(1, len(counts) + 1) / len(counts)
    distance = float(np.abs(np.cumsum(counts) / fans - line).max()) if fans else 0.0
    return {
        "band": band,
        "fans": fans,
        "cells": cells.tolist(),
        "chi_square": statistic,
        "chi_square_p": chi_square_p(statistic, SHOWN_CELLS - 1) if enough else 1.0,
        "distance": distance,
        "distance_p": kolmogorov_p(distance, fans) if enough else 1.0,
        "corrected_p": 1.0,
        "verdict": "fair" if enough else "none",
    }


def _chances(groups: Sequence[Group]) -> list[_Chance]:
    totals: dict[tuple[str, str], list[int]] = {}
    for group in groups:
        for band in BANDS:
            total = totals.setdefault((group.by, band.name), [0, 0])
            total[0] += group.fans.get(band.name, 0)
            total[1] += group.selected.get(band.name, 0)
    return [
        _chance(group, {band.name: totals[group.by, band.name] for band in BANDS})
        for group in groups
    ]


def _chance(group: Group, totals: Mapping[str, Sequence[int]]) -> _Chance:
    """Bands are drawn each for itself: the group's count is the sum of what each gives. The order
    goes band by band, so hardly more than one band is ever divided; the others give a certain
    number.
    """
    parts = [
        hypergeometric(total, group.fans.get(band, 0), selected)
        for band, (total, selected) in totals.items()
    ]
    by_luck = sum(
        group.fans.get(band, 0) * selected / total
        for band, (total, selected) in totals.items()
        if 0 < selected < total
    )
    return _Chance(
        sum(first for first, _ in parts),
        reduce(np.convolve, [chances for _, chances in parts]),
        by_luck,
    )


def _group_test(group: Group, chance: _Chance) -> GroupTest:
    selected, deviation = sum(group.selected.values()), chance.deviation
    low, high = chance.limits(1 - USUAL)
    return {
        "by": group.by,
        "name": group.name,
        "fans": sum(group.fans.values()),
        "selected": selected,
        "expected": chance.mean,
        "z": (selected - chance.mean) / deviation if deviation else 0.0,
        "low": low,
        "high": high,
        "least": low,
        "most": high,
        "p": chance.p(selected),
        "corrected_p": 1.0,
        "verdict": "fair" if chance.says_something else "none",
    }
