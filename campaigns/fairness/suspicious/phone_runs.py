"""Runs of consecutive phone numbers, such as a stack of new SIM cards. [X-13]

Fans' numbers lie in the blocks of a numbering plan as if by chance, densely in some and thinly in
others. So a run is judged by how densely fans have the numbers around it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from campaigns.choices import SuspiciousKind
from campaigns.fairness.suspicious.groups import (
    FEWEST_FANS,
    Group,
    Numbers,
    lines_of,
    log_limit,
    log_looks,
    without_overlaps,
)

GAPS: Final = (1, 4)  # from a number to the next one that counts as consecutive
AROUND: Final = 5_000  # numbers before a run, and behind it, at least
TIMES_AROUND: Final = 5  # or so many times its own length


def phone_runs(phones: pl.DataFrame) -> list[Group]:
    """The groups that are named. `phones`: of `Traits`."""
    numbers = phones["phone"].unique().sort()
    runs = [run for gap in GAPS for run in _runs(numbers.to_numpy(), gap)]
    return without_overlaps(
        Group(
            SuspiciousKind.PHONE_RUN,
            lines_of(phones.filter(pl.col("phone").is_between(first, last))),
            expected,
            log_p,
            {"numbers": last - first + 1},
        )
        for first, last, expected, log_p in runs
    )


def _runs(numbers: Numbers, gap: int) -> list[tuple[int, int, float, float]]:
    """First and last number, expected fans and corrected chance of each run nobody expects.
    `numbers`: ascending, each once.
    """
    breaks = np.flatnonzero(np.diff(numbers) > gap)
    starts = np.concatenate([[0], breaks + 1]) if len(numbers) else np.empty(0, dtype=np.int64)
    ends = np.concatenate([breaks, [len(numbers) - 1]]) if len(numbers) else starts
    long = ends - starts + 1 >= FEWEST_FANS
    first, last, size = numbers[starts[long]], numbers[ends[long]], (ends - starts + 1)[long]
    span = last - first + 1
    reach = np.maximum(AROUND, TIMES_AROUND * span)
    before = np.searchsorted(numbers, first) - np.searchsorted(numbers, first - reach)
    after = np.searchsorted(numbers, last + reach, "right") - np.searchsorted(
        numbers, last, "right"
    )
    density = np.minimum((np.maximum(before, after) + 1) / reach, 1.0)
    # each of the others follows within the gap
    log_p = (size - 1) * np.log1p(-((1 - density) ** gap))
    looked_at = len(numbers) * len(GAPS)
    odd = log_p <= log_limit(looked_at)
    return list(
        zip(
            first[odd].tolist(),
            last[odd].tolist(),
            (density * span)[odd].tolist(),
            (log_p + log_looks(looked_at))[odd].tolist(),
            strict=True,
        )
    )
