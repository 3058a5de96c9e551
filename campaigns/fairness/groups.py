"""Counted fans → the groups that the fairness report compares, and the histograms it shows. Nothing
in them is personal. [X-3]

A frame of counts has the columns `name`, `band` ("high" | "mid" | "low"), `selected` (Boolean) and
`fans` (integer).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from campaigns.draw import LOW
from campaigns.fairness.verdict import CELLS, Counts, Group

SLICES: Final = 20
MOMENT: Final = timedelta(minutes=15)  # registrations within one count as simultaneous
OTHERS: Final = "others"
BIN: Final = 0.01  # of a histogram: the borders of all bands are borders of bins
FIRST_BIN: Final = round(LOW.low / BIN)
BINS: Final = round(1 / BIN) - FIRST_BIN


def places(capacity: int, accepted: int) -> tuple[int, str]:
    """How many of the order count as selected, and why: the markets' seats; half of the fans where
    seats are none or enough for all, because then they separate no fans.
    """
    return (capacity, "capacity") if 0 < capacity < accepted else (accepted // 2, "half")


def bin_of_place(counts: Iterable[tuple[int, int]], place: int) -> tuple[int, int]:
    """(hundredths of a band score, fans) and a place of the order, from 1 → the bin that holds it,
    and how many are before it within that bin. Raises ValueError where there are fewer fans.
    """
    before = 0
    for number, fans in sorted(counts, reverse=True):
        if before + fans >= place:
            return number, place - before - 1
        before += fans
    raise ValueError(f"There is no place {place} among {before} fans.")


def groups_of(by: str, counts: pl.DataFrame) -> list[Group]:
    """The groups that a frame of counts names, largest first, the others last."""
    found = [
        _group(by, str(name), rows)
        for (name,), rows in counts.group_by("name", maintain_order=True)
    ]
    return sorted(
        found, key=lambda group: (group.name == OTHERS, -sum(group.fans.values()), group.name)
    )


def groups_by_position(counts: pl.DataFrame, rows: int) -> list[Group]:
    """SLICES equal parts of the file's lines, in order; `name` is the number of the part, from
    0.
    """
    found = {str(name): part for (name,), part in counts.group_by("name")}
    slices = [(str(number), _lines(number, rows)) for number in range(SLICES)]
    return [_group("position", lines, found[number]) for number, lines in slices if number in found]


def _lines(number: int, rows: int) -> str:
    """The header is line 1."""
    first, last = -(-number * rows // SLICES) + 2, -(-(number + 1) * rows // SLICES) + 1
    return f"{first:,}–{last:,}"


def groups_by_time(counts: pl.DataFrame) -> list[Group]:
    """About equal parts of the fans by when they registered, in order; `name` is the moment's begin
    (Datetime), null for those who did not.
    """
    known = counts.filter(pl.col("name").is_not_null())
    moments = known.group_by("name").agg(pl.col("fans").sum()).sort("name")
    before = moments["fans"].cum_sum() - moments["fans"]
    total = max(int(moments["fans"].sum()), 1)
    sliced = known.join(
        moments.select("name", (before * SLICES // total).alias("slice")), on="name"
    )
    found = []
    for _, part in sorted(sliced.group_by("slice"), key=lambda one: one[0]):
        begins: list[datetime] = sorted(part["name"])
        first, last = begins[0], begins[-1] + MOMENT
        found.append(_group("time", f"{first:%-d %b, %H:%M} – {last:%-d %b, %H:%M}", part))
    missing = counts.filter(pl.col("name").is_null())
    return [*found, _group("time", "not registered", missing)] if len(missing) else found


def _group(by: str, name: str, counts: pl.DataFrame) -> Group:
    return Group(by, name, _by_band(counts), _by_band(counts.filter("selected")))


def _by_band(counts: pl.DataFrame) -> dict[str, int]:
    return dict(counts.group_by("band").agg(pl.col("fans").sum()).iter_rows())


def luck_cells(counts: Iterable[tuple[str, int, int]]) -> dict[str, Counts]:
    """(band, cell from 0, fans) → band → counts in all CELLS cells."""
    frame = pl.DataFrame(
        list(counts), schema={"band": pl.String, "cell": pl.Int64, "fans": pl.Int64}, orient="row"
    )
    return {
        str(band): _spread(rows["cell"], rows["fans"], CELLS)
        for (band,), rows in frame.group_by("band")
    }


def histogram(counts: Iterable[tuple[int, int]]) -> list[int]:
    """(hundredths of a score, fans) → fans in each of the BINS bins from 0.22 to 1; a score of 1 is
    in the last.
    """
    frame = pl.DataFrame(list(counts), schema={"bin": pl.Int64, "fans": pl.Int64}, orient="row")
    return [
        int(fans)
        for fans in _spread((frame["bin"] - FIRST_BIN).clip(0, BINS - 1), frame["fans"], BINS)
    ]


def _spread(at: pl.Series, fans: pl.Series, size: int) -> Counts:
    filled = pl.DataFrame({"at": at, "fans": fans}).group_by("at").agg(pl.col("fans").sum())
    everywhere = pl.DataFrame({"at": range(size)}, schema={"at": pl.Int64}).join(
        filled, on="at", how="left", maintain_order="left"
    )
    return everywhere["fans"].fill_null(0).to_numpy()
