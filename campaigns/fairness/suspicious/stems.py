"""One stem with running digits in the local parts of addresses: `ticketfan001` to `ticketfan060`.
[X-13]

People write numbers too, and the same ones: birth years, ages, 1, 99. So the numbers behind one
stem are judged by how often fans with other stems use them. If the fans of a stem chose numbers as
all others do, the chance that a run of numbers is complete would be at most the product of the
chances of each number to be there, for a number that is taken leaves fewer fans for the others.
Names differ in what is written behind them, so each number is taken to be twice as likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from campaigns.choices import SuspiciousKind
from campaigns.fairness.suspicious.groups import (
    FEWEST_FANS,
    Chances,
    Group,
    Numbers,
    lines_of,
    log_limit,
    log_looks,
    without_overlaps,
)
from campaigns.fairness.suspicious.traits import MOST_DIGITS, PADDING

GAPS: Final = (1, 4)  # from a number to the next one that counts as running
STEMS: Final = ("stem_at", "stem")  # at one domain; at all of them
PARTS: Final = 8  # of the stems, one after the other: what sorting them takes is an eighth
OFTENER: Final = 2  # than with other stems: no surprise
TENS: Final = 10 ** np.arange(1, MOST_DIGITS + 1)


@dataclass(frozen=True)
class _Numbers:
    """The numbers of all stems, by stem and number, each once: `stem`, `number` and how many `fans`
    have it.
    """

    stem: npt.NDArray[np.uint64]
    number: Numbers
    fans: Numbers

    def follows(self, gap: int) -> npt.NDArray[np.bool_]:
        """Whether each is of the stem of the one before, and at most `gap` further."""
        near = np.diff(self.number) <= gap
        return np.concatenate([[False], near & (self.stem[1:] == self.stem[:-1])])


def running_digits(numbered: pl.DataFrame) -> list[Group]:
    """The groups that are named, of each stem all its runs. `numbered`: of `Traits`."""
    everyone = np.sort(numbered["number"].to_numpy())
    return without_overlaps(
        group
        for stem in STEMS
        for part in range(PARTS)
        for group in _of(numbered.filter(pl.col(stem) % PARTS == part), stem, everyone)
    )


def _of(numbered: pl.DataFrame, stem: str, everyone: Numbers) -> list[Group]:
    """Of a part of the stems. `everyone`: the numbers of all fans, ascending."""
    numbers = _numbers_of(numbered, stem)
    looked_at = len(everyone) * len(GAPS) * len(STEMS)
    runs = [_long_runs(numbers, gap) for gap in GAPS]
    if not any(len(places) for places in runs):
        return []
    elsewhere = _Elsewhere.of(everyone, numbers)
    found = pl.concat(
        [
            _unexpected(numbers, places, elsewhere, gap, log_limit(looked_at))
            for gap, places in zip(GAPS, runs, strict=True)
        ]
    )
    each = found.group_by("stem", "number").agg(pl.col("log_p").min(), pl.col("expected").first())
    sums = each.group_by("stem").agg(pl.col("log_p").min(), pl.col("expected").sum())
    members = numbered.select("line", "number", pl.col(stem).alias("stem")).join(
        each, on=["stem", "number"], how="semi"
    )
    return [
        Group(
            SuspiciousKind.RUNNING_DIGITS,
            lines_of(members.filter(pl.col("stem") == key)),
            expected,
            log_p + log_looks(looked_at),
        )
        for key, log_p, expected in sums.iter_rows()
    ]


def _numbers_of(numbered: pl.DataFrame, stem: str) -> _Numbers:
    ordered = numbered.select(stem, "number").sort(stem, "number")
    keys, number = ordered[stem].to_numpy(), ordered["number"].to_numpy()
    is_new = np.concatenate([[True], (np.diff(number) != 0) | (keys[1:] != keys[:-1])])
    first = np.flatnonzero(is_new[: len(keys)])
    return _Numbers(keys[first], number[first], np.diff(np.append(first, len(keys))))


def _long_runs(numbers: _Numbers, gap: int) -> Numbers:
    """The places of the numbers that are part of a run of FEWEST_FANS numbers or more."""
    run = np.cumsum(~numbers.follows(gap))
    is_long = np.bincount(run, minlength=1) >= FEWEST_FANS
    places: Numbers = np.flatnonzero(is_long[run])
    return places


def _unexpected(
    numbers: _Numbers, places: Numbers, elsewhere: _Elsewhere, gap: int, limit: float
) -> pl.DataFrame:
    """`stem`, `number`, `log_p` and `expected` fans of those in runs that nobody expects."""
    follows = numbers.follows(gap)[places]
    # the chance that one of the numbers up to `gap` behind the one before is there
    there = -np.expm1(-OFTENER * elsewhere.chosen(places - follows, gap))
    frame = pl.DataFrame(
        {
            "stem": numbers.stem[places],
            "number": numbers.number[places],
            "expected": elsewhere.chosen(places, 1),
            "run": np.cumsum(~follows),
            "log_link": np.where(follows, np.log(there), 0.0),
        }
    )
    runs = frame.group_by("run").agg(pl.col("log_link").sum().alias("log_p"))
    odd = runs.filter(pl.col("log_p") <= limit)
    return frame.join(odd, on="run").select("stem", "number", "log_p", "expected")


@dataclass(frozen=True)
class _Elsewhere:
    """What fans with other stems choose. `everyone`: all numbers, ascending. Of each of `numbers`:
    `stem`, which one it is, from 0; `at`, ascending, by stem and by how many of everyone have a
    smaller number; `before`, how many fans have one before it, and how many there are.
    """

    everyone: Numbers
    number: Numbers
    stem: Numbers
    at: Numbers
    before: Numbers

    @classmethod
    def of(cls, everyone: Numbers, numbers: _Numbers) -> _Elsewhere:
        stem = np.cumsum(np.concatenate([[False], numbers.stem[1:] != numbers.stem[:-1]]))
        at = stem * (len(everyone) + 1) + np.searchsorted(everyone, numbers.number)
        before = np.concatenate([[0], np.cumsum(numbers.fans)])
        return cls(everyone, numbers.number, stem, at, before)

    def chosen(self, places: Numbers, gap: int) -> Chances:
        """How many fans of each stem would have one of the `gap` numbers that follow, if they chose
        as the others do. A number that none of those has is as likely as any with as many digits.
        """
        stem, number = self.stem[places], self.number[places]
        everybody = len(self.everyone)
        fans = self._of_stem(stem, 0, everybody)
        used = self._elsewhere(stem, number + 1, number + gap + 1)
        least, most = _of_as_many_digits(number)
        alike = self._elsewhere(stem, least, most)
        likely: Chances = (used + gap * (alike + 1) / (most - least)) / (everybody - fans + 1)
        return fans * likely

    def _elsewhere(self, stem: Numbers, least: Numbers, most: Numbers) -> Numbers:
        """How many fans with other stems have a number from `least` to before `most`."""
        first, last = np.searchsorted(self.everyone, least), np.searchsorted(self.everyone, most)
        elsewhere: Numbers = last - first - self._of_stem(stem, first, last)
        return elsewhere

    def _of_stem(self, stem: Numbers, first: Numbers | int, last: Numbers | int) -> Numbers:
        """How many fans of a stem have a number with `first` smaller ones, or more, and fewer than
        `last`.
        """
        begins = stem * (len(self.everyone) + 1)
        begin, end = (np.searchsorted(self.at, begins + rank) for rank in (first, last))
        fans: Numbers = self.before[end] - self.before[begin]
        return fans


def _of_as_many_digits(number: Numbers) -> tuple[Numbers, Numbers]:
    """The least number with as many digits, and behind the greatest."""
    padded, value = np.divmod(number, PADDING)
    digits = np.where(padded > 0, padded, np.searchsorted(TENS, value, "right") + 1)
    top = 10**digits
    base = padded * PADDING
    return np.where((padded > 0) | (digits == 1), base, top // 10), base + top
