"""Who wants which market, as small integers: millions of ordered lists of market ids in arrays that
numpy can walk.

A row is one fan in the order of the draw; a market is its index in position order; the index after
the last market means "nothing" (an unknown market, a market not in the wave, or the end of the
list).
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
    eligible: Bools  # rows × markets


@dataclass(frozen=True)
class Preferences:
    """The preferences of all fans, a row for each in the order of the draw. `ranked`: the fan of
    each row. They are looked up a chunk at a time: a copy of all would be the half of the memory of
    a selection.
    """

    ranked: Ints
    named: pl.Series  # per fan: market ids, a List of Enum; none = any market
    place_of: Ints  # per category of the Enum, and null: the market's index
    registered_us: Ints  # per fan
    closes_us: Ints  # per market, and "nothing", which never closes

    @property
    def rows(self) -> int:
        return len(self.ranked)

    @property
    def nothing(self) -> int:
        return len(self.closes_us) - 1

    def chunks(self) -> Iterator[Chunk]:
        for start in range(0, self.rows, CHUNK_ROWS):
            yield self._chunk(slice(start, start + CHUNK_ROWS))

    def _chunk(self, rows: slice) -> Chunk:
        wanted = self._wanted(self.named.gather(self.ranked[rows]))
        wants_any = candidate = (wanted != self.nothing).any(axis=1)
        registered = self.registered_us[self.ranked[rows]]
        if registered.max() > self.closes_us.min():
            too_late = registered[:, None] > self.closes_us[wanted]
            wanted[too_late] = self.nothing
            candidate = (wanted != self.nothing).any(axis=1)
        eligible = np.zeros((len(wanted), self.nothing + 1), dtype=np.bool_)
        eligible[np.arange(len(wanted))[:, None], wanted] = True
        return Chunk(rows.start, wanted, wants_any, candidate, eligible[:, : self.nothing])

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


def encode(fans: pl.DataFrame, ranked: Ints, seats: Sequence[MarketSeat]) -> Preferences:
    """The preferences of the fans, ranked; `seats` in position order. [W-5]

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
        ranked=ranked,
        named=named,
        place_of=np.array([places.get(each, len(known)) for each in every], np.int16),
        registered_us=fans["registered_at"].to_physical().to_numpy(),
        closes_us=np.array([*closes, _NEVER], dtype=np.int64),
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
