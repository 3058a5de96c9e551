"""Who wants which market, as small integers: millions of ordered lists of market ids in arrays that
numpy can walk.

A row is one fan; a market is its index in position order; the index after the last market means
"nothing" (an unknown market, a market not in the wave, or the end of the list).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from waves.markets import MarketSeat

Ints = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]

# Large enough that numpy's overhead vanishes, small enough that 50 columns of markets stay in the
# cache.
CHUNK_ROWS = 16_384
FEW = 8  # markets of a list: their pairs are compared faster than rows × all markets are written

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Chunk:
    """Rows `start` to `start + len(wanted)`: each row's market indexes, best first, padded with
    "nothing".
    """

    start: int
    wanted: Ints  # wanted and eligible; the rest is "nothing"
    # per row: a market of the wave is wanted, whether or not the fan registered in time
    wants_any: Bools
    candidate: Bools  # per row: one of them was registered for in time
    nothing: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + len(self.wanted))

    @property
    def eligible(self) -> Bools:
        """Rows × markets."""
        eligible = np.zeros((len(self.wanted), self.nothing + 1), dtype=np.bool_)
        eligible[np.arange(len(self.wanted))[:, None], self.wanted] = True
        return eligible[:, : self.nothing]

    @property
    def wanted_by(self) -> Ints:
        """Per market, how many rows are eligible for it; one that is named twice counts once."""
        places = self.wanted.T.copy()
        if len(places) > FEW:
            counts: Ints = self.eligible.sum(axis=0)
            return counts
        for place, later in enumerate(places):
            for earlier in places[:place]:
                later[later == earlier] = self.nothing
        return np.bincount(places.ravel(), minlength=self.nothing + 1)[: self.nothing]


@dataclass(frozen=True)
class Preferences:
    """The preferences of all fans. They are looked up a chunk at a time: a copy of all would be the
    half of the memory of a selection.
    """

    named: pl.Series  # per fan: market ids, a List of Enum; none = any market
    place_of: Ints  # per category of the Enum, and null: the market's index
    registered_us: Ints  # per fan
    closes_us: Ints  # per market, and "nothing", which never closes

    @property
    def nothing(self) -> int:
        return len(self.closes_us) - 1

    def chunks(self, order: Ints | None = None) -> Iterator[Chunk]:
        """The fans as they stand, which is the fastest, or in this order."""
        for start in range(0, len(self.named), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            if order is None:
                yield self._chunk(start, self.named[rows], self.registered_us[rows])
            else:
                fans = order[rows]
                yield self._chunk(start, self.named.gather(fans), self.registered_us[fans])

    def _chunk(self, start: int, named: pl.Series, registered: Ints) -> Chunk:
        wanted = self._wanted(named)
        wants_any = candidate = (wanted != self.nothing).any(axis=1)
        if registered.max() > self.closes_us.min():
            too_late = registered[:, None] > self.closes_us[wanted]
            wanted[too_late] = self.nothing
            candidate = (wanted != self.nothing).any(axis=1)
        return Chunk(start, wanted, wants_any, candidate, self.nothing)

    def _wanted(self, named: pl.Series) -> Ints:
        lengths: Ints = named.list.len().fill_null(0).to_numpy()
        flat = named.explode(empty_as_null=False, keep_nulls=False).to_physical().cast(pl.UInt16)
        return self._matrix(lengths, self.place_of[flat.fill_null(len(self.place_of) - 1)])

    def _matrix(self, lengths: Ints, flat: Ints) -> Ints:
        any_market = lengths == 0
        width = max(int(lengths.max()), self.nothing if any_market.any() else 0, 1)
        matrix = np.full((len(lengths), width), self.nothing, dtype=flat.dtype)
        matrix[np.arange(width) < lengths[:, None]] = flat
        if any_market.any():
            matrix[any_market, : self.nothing] = np.arange(self.nothing)
        return matrix


def encode(fans: pl.DataFrame, seats: Sequence[MarketSeat]) -> Preferences:
    """The preferences of the fans; `seats` in position order. [W-5]

    Columns read: `preferences` (List of String or Enum, empty or null = any market),
    `registered_at` (Datetime, UTC).
    """
    named, known = fans["preferences"], [seat.market_id for seat in seats]
    kind = getattr(named.dtype, "inner", None)
    if not isinstance(kind, pl.Enum):
        kind = pl.Enum(known)
        named = named.cast(pl.List(kind), strict=False)
    places = {market_id: place for place, market_id in enumerate(known)}
    every = [*kind.categories.to_list(), None]
    closes = [_microseconds(seat.selection_time) for seat in seats]
    return Preferences(
        named=named,
        place_of=np.array([places.get(each, len(known)) for each in every], np.int16),
        registered_us=fans["registered_at"].to_physical().to_numpy(),
        closes_us=np.array([*closes, _NEVER], dtype=np.int64),
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
