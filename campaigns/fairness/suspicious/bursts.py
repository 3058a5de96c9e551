"""Registrations in bursts. [X-13]

Registrations come in rushes: at the opening, after a newsletter, in the evening. A rush of people
takes minutes to fade, a machine just stops. So a moment is judged by those before and after it, and
named if it holds more than chance makes of several times their rate; of many times, where a rush
begins. Bursts of more than some nine minutes are not told from rushes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
)

SECOND: Final = 1_000_000
WIDTHS: Final = (1, 10, 60, 180)  # seconds of a window; one begins at each half of another
NEAR: Final = 6  # windows on either side that it is compared with
RUSH: Final = 4  # times their rate: no rush of people rises and fades so steeply
CLEARLY: Final = 2  # below RUSH even where the burst is in one of the windows that are compared
OPENING: Final = 20  # times the rate after it, where that is RUSH times the rate before it
ROUNDED: Final = (60, 3_600, 86_400)  # seconds that some sources round their times to


@dataclass(frozen=True)
class _Windows:
    """Those of one width that begin with a fan's half of one, by `start`: how many `fans` are in
    each, FEWEST_FANS or more, and the place of the `first`. With fewer, they were `looked_at` too.
    """

    start: Numbers
    fans: Numbers
    first: Numbers
    width: int
    looked_at: int

    @classmethod
    def of(cls, us: Numbers, width: int) -> _Windows:
        halves = us // (width // 2)
        first = np.flatnonzero(np.diff(halves, prepend=-1))
        in_half = np.diff(np.append(first, len(us)))
        goes_on = np.diff(halves[first], append=-1) == 1
        fans = in_half + np.where(goes_on, np.roll(in_half, -1), 0)
        all_windows = cls(halves[first] * (width // 2), fans, first, width, len(fans))
        return all_windows.only(fans >= FEWEST_FANS)

    def only(self, chosen: npt.NDArray[np.bool_]) -> _Windows:
        return replace(
            self, start=self.start[chosen], fans=self.fans[chosen], first=self.first[chosen]
        )


def bursts(times: pl.DataFrame) -> list[Group]:
    """The groups that are named. `times`: of `Traits`, ascending."""
    us = times["us"].to_numpy()
    rounded_to = _rounded_to(us)
    all_windows = [_Windows.of(us, width * SECOND) for width in WIDTHS if width >= rounded_to]
    looked_at = sum(windows.looked_at for windows in all_windows)
    found = [_odd_windows(us, windows, log_limit(looked_at)) for windows in all_windows]
    apart = _apart(pl.concat(found)) if found else []
    return [_group(times, *_whole(us, *one), looks=log_looks(looked_at)) for one in apart]


def _group(
    times: pl.DataFrame, start: int, end: int, expected: float, log_p: float, *, looks: float
) -> Group:
    """From its first fan to its last: a window may begin before and end behind them."""
    members = times.filter(pl.col("us").is_between(start, end, closed="left"))
    seconds = members["us"] // SECOND
    first, last = int(seconds.min()), int(seconds.max())  # type: ignore[arg-type]
    about = {"begins": first, "seconds": last - first + 1}
    return Group(SuspiciousKind.BURST, lines_of(members), expected, log_p + looks, about)


def _rounded_to(us: Numbers) -> int:
    """The seconds that half of all times, or more, are rounded to: no shorter window says
    anything.
    """
    return max(
        (step for step in ROUNDED if len(us) and np.mean(us % (step * SECOND) == 0) >= 0.5),
        default=0,
    )


def _odd_windows(us: Numbers, windows: _Windows, limit: float) -> pl.DataFrame:
    """`start`, `end`, `expected`, `log_p` of the windows that nobody expects."""
    width = windows.width
    windows = _denser(us, windows)
    steps = np.arange(-NEAR, NEAR + 2) * width
    counts = np.diff(np.searchsorted(us, windows.start[:, None] + steps), axis=1)
    before, after = _rate(counts[:, :NEAR]), _rate(counts[:, NEAR + 1 :])
    expected = np.maximum(before, after)
    times = np.where(after > RUSH * before + 1, OPENING, RUSH)
    log_p = log_poisson_tail(windows.fans.astype(np.float64), times * expected + 1)
    odd = log_p <= limit
    return pl.DataFrame(
        {
            "start": windows.start[odd],
            "end": windows.start[odd] + width,
            "expected": expected[odd],
            "log_p": log_p[odd],
        },
        schema={"start": pl.Int64, "end": pl.Int64, "expected": pl.Float64, "log_p": pl.Float64},
    )


def _denser(us: Numbers, windows: _Windows) -> _Windows:
    """Those with clearly more fans than windows on one side have in the mean: most are like all
    around them, and need no closer look.
    """
    reach = NEAR * windows.width
    before = windows.first - np.searchsorted(us, windows.start - reach)
    end = windows.start + windows.width
    after = np.searchsorted(us, end + reach) - windows.first - windows.fans
    return windows.only(windows.fans * NEAR > CLEARLY * np.minimum(before, after))


def _rate(counts: Numbers) -> Chances:
    """Fans in a window by those on one side of it, without the fullest, which may be a part of the
    burst: their mean, or the next fullest as far as it is more than chance.
    """
    ordered = np.sort(counts, axis=1)[:, :-1]
    fullest = ordered[:, -1]
    rate: Chances = np.maximum(ordered.mean(axis=1), fullest - 2 * np.sqrt(fullest))
    return rate


def log_poisson_tail(counts: Chances, means: Chances) -> Chances:
    """The logarithm of an upper bound (Chernoff's) of the chance of each count, or more, where so
    many are expected.
    """
    beyond = np.maximum(counts, means)
    bound: Chances = beyond * np.log(means / beyond) + beyond - means
    return bound


def _apart(windows: pl.DataFrame) -> list[tuple[int, int, float, float]]:
    """Start, end, expected fans and log_p of the unlikeliest, shortest of windows that overlap."""
    ends = pl.col("end").cum_max().shift(1)
    burst = (pl.col("start") > ends).fill_null(value=False).cum_sum().alias("burst")
    ordered = (
        windows.sort("start", "end")
        .with_columns(burst)
        .sort("log_p", pl.col("end") - pl.col("start"), "start")
    )
    unlikeliest = ordered.group_by("burst", maintain_order=True).first()
    return list(unlikeliest.sort("start").drop("burst").iter_rows())


def _whole(
    us: Numbers, start: int, end: int, expected: float, log_p: float
) -> tuple[int, int, float, float]:
    """The burst that a window is a part of: with the halves before it and behind it that hold
    several times what is expected. Wider than NEAR windows it would not have been seen.
    """
    half = (end - start) // 2
    first, last = start, end
    for _ in range(2 * NEAR):
        if _count(us, first - half, first) > RUSH * expected / 2 + 1:
            first -= half
        if _count(us, last, last + half) > RUSH * expected / 2 + 1:
            last += half
    return first, last, expected * (last - first) / (end - start), log_p


def _count(us: Numbers, start: int, end: int) -> int:
    return int(np.searchsorted(us, end) - np.searchsorted(us, start))
