"""The place of each candidate of a wave, from the lines of a bundle alone. Pure. [S-9]"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from campaigns.draw import h_of, key_of

Places = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Numbered:
    """A wave's candidates: the place of each fan (0 = no candidate) and their market, both in the
    order of the references, and which fan has each place.
    """

    place: Places
    market: pl.Series
    order: npt.NDArray[np.int64]

    @property
    def candidates(self) -> int:
        return len(self.order)

    def cells(self, start: int, rows: int) -> pl.Series:
        """`PLACE:MARKET`, without a market for who waits, empty for who is no candidate."""
        place = pl.Series(self.place[start : start + rows])
        placed = pl.format("{}:{}", place, self.market.slice(start, rows))
        return pl.select(pl.when(place > 0).then(placed).otherwise(pl.lit(""))).to_series()


@dataclass(frozen=True)
class Luck:
    """h of a reference, in the draw of a page. [S-8]"""

    campaign_id: str
    key: bytes

    @classmethod
    def of(cls, page: dict[str, Any]) -> Luck:
        value = (page["entropy"] or {}).get("value")
        return cls(page["campaign_id"], key_of(bytes.fromhex(page["seed"]), value))

    def h(self, fan_ref: str) -> bytes:
        return h_of(self.key, self.campaign_id, fan_ref)


def in_places(fans: pl.DataFrame, date_key: str, members: pl.DataFrame, luck: Luck) -> Numbered:
    """Candidates by band score, then h, best first, then by reference. [S-9]"""
    rows = np.flatnonzero(fans[date_key].to_numpy())
    score = fans["score"].to_numpy()
    order = rows[np.argsort(-score[rows], kind="stable")]
    same = np.flatnonzero(np.diff(score[order]) == 0)
    for first, last in _runs(same):
        tied = order[first : last + 1]
        refs = fans["fan_ref"].gather(tied).to_list()
        lucks = [luck.h(ref) for ref in refs]
        best = sorted(range(len(tied)), key=lambda at: lucks[at], reverse=True)
        order[first : last + 1] = tied[best]
    place = np.zeros(fans.height, dtype=np.uint32)
    place[order] = np.arange(1, len(order) + 1)
    names = members["market_id"].unique().sort()
    numbers = np.zeros(len(order) + 1, dtype=np.uint32)
    numbers[members["place"].to_numpy()] = names.search_sorted(members["market_id"]) + 1
    market = pl.concat([pl.Series([""]), names]).gather(numbers[place])
    return Numbered(place, market, order)


def _runs(same: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Of positions whose next one is equal: the first and last of each run of equal ones."""
    start = last = None
    for at in same.tolist():
        if start is not None and at == last:
            last = at + 1
            continue
        if start is not None and last is not None:
            yield start, last
        start, last = at, at + 1
    if start is not None and last is not None:
        yield start, last
