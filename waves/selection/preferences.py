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
    eligible: Bools  # rows × markets


@dataclass(frozen=True)
class Preferences:
    """The preferences of all fans: `flat[offsets[fan] : offsets[fan + 1]]` are a fan's markets,
    none = any market. `ranked`: the fans in the order of the draw, one for each row.
    """

    ranked: Ints
    flat: Ints
    offsets: Ints
    registered_us: Ints
    closes_us: Ints  # per market, and "nothing", which never closes

    @property
    def rows(self) -> int:
        return len(self.ranked)

    @property
    def nothing(self) -> int:
        return len(self.closes_us) - 1

    def chunks(self) -> Iterator[Chunk]:
        for start in range(0, self.rows, CHUNK_ROWS):
            yield self._chunk(start, min(start + CHUNK_ROWS, self.rows))

    def _chunk(self, start: int, stop: int) -> Chunk:
        fans = self.ranked[start:stop]
        wanted = self._matrix(fans)
        wants_any = (wanted != self.nothing).any(axis=1)
        too_late = self.registered_us[fans, None] > self.closes_us[wanted]
        wanted[too_late] = self.nothing
        eligible = np.zeros((stop - start, self.nothing + 1), dtype=np.bool_)
        eligible[np.arange(stop - start)[:, None], wanted] = True
        return Chunk(start, wanted, wants_any, eligible[:, : self.nothing])

    def _matrix(self, fans: Ints) -> Ints:
        first = self.offsets[fans]
        lengths = self.offsets[fans + 1] - first
        any_market = lengths == 0
        width = max(int(lengths.max()), self.nothing if any_market.any() else 0, 1)
        matrix = np.full((len(fans), width), self.nothing, dtype=self.flat.dtype)
        rows = np.repeat(np.arange(len(fans)), lengths)
        columns = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        matrix[rows, columns] = self.flat[first[rows] + columns]
        if any_market.any():
            matrix[any_market, : self.nothing] = np.arange(self.nothing)
        return matrix


def encode(fans: pl.DataFrame, ranked: Ints, seats: Sequence[MarketSeat]) -> Preferences:
    """The preferences of the fans, ranked; `seats` in position order. [W-5]

    Columns read: `preferences` (List of String or Enum, empty or null = any market),
    `registered_at` (Datetime, UTC).
    """
    preferences = fans["preferences"]
    lengths = preferences.list.len().fill_null(0)
    flat = preferences.explode(empty_as_null=False, keep_nulls=False)
    market_ids = pl.Enum([seat.market_id for seat in seats])
    indexes = flat.cast(market_ids, strict=False).to_physical().cast(pl.Int16).fill_null(len(seats))
    offsets = np.zeros(fans.height + 1, dtype=np.int64)
    np.cumsum(lengths.to_numpy(), out=offsets[1:])
    closes = [_microseconds(seat.selection_time) for seat in seats]
    return Preferences(
        ranked=ranked,
        flat=indexes.to_numpy(),
        offsets=offsets,
        registered_us=fans["registered_at"].dt.timestamp("us").to_numpy(),
        closes_us=np.array([*closes, _NEVER], dtype=np.int64),
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
