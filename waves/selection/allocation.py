"""Fans × markets × capacity → members and waitlist; the same candidates in any row order, the same
result. [W-5]
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from campaigns.draw import Draw, ranking
from waves.choices import Exclusion, Order
from waves.errors import UnknownMarket
from waves.markets import MarketSeat
from waves.selection.preferences import Bools, Chunk, Ints, Preferences, encode

_NO_MARKET = -1


@dataclass(frozen=True)
class MarketResult:
    """The result of one market. `capacity` = its seats in the whole campaign, `given` of them
    before this wave, `room` = what this wave could fill. `cutoff` = the lowest selected band score
    where the room is full, else None.
    """

    market_id: str
    capacity: int
    given: int
    room: int
    selected: int
    cutoff: float | None
    wanted: int


@dataclass(frozen=True)
class Selection:
    """The selected, the waitlist, and the result of each market.

    `members`: `global_user_id`, `market_id`, `place` (1 = first of all candidates), in the order of
    the draw. `waiting`: which of all `fans` wait, the next to be taken first. `excluded`: rows that
    wanted no market of the wave, or registered too late for all they want.
    """

    members: pl.DataFrame
    fans: pl.Series
    waiting: pl.Series
    markets: tuple[MarketResult, ...]
    candidates: int
    excluded: Mapping[Exclusion, int]
    members_digest: str

    @property
    def waitlist(self) -> pl.DataFrame:
        """`global_user_id`, `place` (1 = next to be taken): made when it is asked for, since the
        names of millions take more memory than their numbers.
        """
        waiting = self.fans.gather(self.waiting).alias("global_user_id")
        return (
            waiting.to_frame()
            .with_row_index("place", offset=1)
            .select("global_user_id", pl.col("place").cast(pl.Int64))
        )


def select(
    candidates: pl.DataFrame,
    markets: Sequence[MarketSeat],
    *,
    order: Order = Order.BY_PREFERENCE,
    single_market: str | None = None,
    draw: Draw | None = None,
) -> Selection:
    """The members and the waitlist of one wave. [W-5, W-7]

    `candidates`: `global_user_id` (String, unique), `band_score` (Float64), `luck` (Int64),
    `preferences` (List of String or Enum, empty = any market in position order), `registered_at`
    (Datetime, UTC). A fan is eligible for a market they want and for which they registered at or
    before its selection time. The `draw` orders fans whose 64 bits of luck are equal. [S-9]

    Raises UnknownMarket where `single_market` is not among the markets.
    """
    seats = seats_in_play(markets, order, single_market)
    ranked = ranking(candidates, draw)
    tally = _Tally.over(encode(candidates, seats), ranked, seats, order)
    return _result(candidates, ranked, seats, tally)


def members_digest(members: pl.DataFrame) -> str:
    """SHA-256 over the sorted `global_user_id TAB market_id LF`, in hex. [W-7]"""
    lines = members.select(pl.format("{}\t{}\n", "global_user_id", "market_id").alias("line"))[
        "line"
    ].sort()
    return hashlib.sha256("".join(lines.to_list()).encode()).hexdigest()


def seats_in_play(
    markets: Sequence[MarketSeat], order: Order, single_market: str | None
) -> list[MarketSeat]:
    """The markets that are filled, in position order. Raises UnknownMarket. [W-5]"""
    seats = sorted(markets, key=lambda seat: (seat.position, seat.market_id))
    if order != Order.SINGLE_MARKET:
        return seats
    alone = [seat for seat in seats if seat.market_id == single_market]
    if not alone:
        known = ", ".join(seat.market_id for seat in seats) or "none"
        raise UnknownMarket(
            f"Market {single_market!r} is not in this wave. Choose one of: {known}."
        )
    return alone


@dataclass
class _Tally:
    """Per fan in the order of the draw: the market (or _NO_MARKET), and whether it is a candidate
    at all.
    """

    market: Ints
    candidate: Bools
    wanted: Ints
    unwanting: int = 0
    too_late: int = 0

    @classmethod
    def over(
        cls, preferences: Preferences, ranked: Ints, seats: Sequence[MarketSeat], order: Order
    ) -> _Tally:
        tally = cls(
            market=np.full(len(ranked), _NO_MARKET, dtype=np.int16),
            candidate=np.zeros(len(ranked), dtype=np.bool_),
            wanted=np.zeros(len(seats), dtype=np.int64),
        )
        room = np.array([seat.room for seat in seats], dtype=np.int64)
        packed: list[Ints] = []
        # Counted as the fans stand: who wants what is the same in any order, and looking all of
        # them up in the order of the draw takes longer.
        for chunk in preferences.chunks():
            tally._add_chunk(chunk)
            if order != Order.BY_PREFERENCE:
                packed.append(np.packbits(chunk.eligible, axis=1))
        tally.candidate = tally.candidate[ranked]
        if packed:
            _market_by_market(np.concatenate(packed)[ranked], room, tally.market)
        elif order == Order.BY_PREFERENCE:
            for chunk in preferences.chunks(ranked):
                if not room.any():
                    break
                tally.market[chunk.rows] = _serial_dictatorship(chunk.wanted, room)
        return tally

    def _add_chunk(self, chunk: Chunk) -> None:
        self.candidate[chunk.rows] = chunk.candidate
        self.wanted += chunk.wanted_by
        self.unwanting += int((~chunk.wants_any).sum())
        self.too_late += int((chunk.wants_any & ~chunk.candidate).sum())


def _serial_dictatorship(wanted: Ints, room: Ints) -> Ints:
    """Each row in turn takes its first wanted market with room; `room` is used up in place.

    Between two closings of a market all rows choose independently, so whole stretches are computed
    at once: at most one step for each market that fills up, and one for the rest.
    """
    taken = np.full(len(wanted), _NO_MARKET, dtype=np.int16)
    begin = 0
    while begin < len(wanted) and room.any():
        picks = _first_open(wanted[begin:], room)
        end = _first_closing(picks, room)
        picks = picks[:end]
        taken[begin : begin + end] = picks
        room -= np.bincount(picks[picks != _NO_MARKET], minlength=len(room))
        begin += end
    return taken


def _first_open(wanted: Ints, room: Ints) -> Ints:
    still_open = np.append(room > 0, False)[wanted]
    first = still_open.argmax(axis=1)
    rows = np.arange(len(wanted))
    return np.where(still_open[rows, first], wanted[rows, first], _NO_MARKET)


def _first_closing(picks: Ints, room: Ints) -> int:
    """How many picks can be granted before a market that just filled up could be picked again."""
    asked = np.bincount(picks[picks != _NO_MARKET], minlength=len(room))
    filling = np.flatnonzero((asked >= room) & (room > 0))
    ends = [int(np.flatnonzero(picks == market)[room[market] - 1]) + 1 for market in filling]
    return min(ends, default=len(picks))


def _market_by_market(packed: Ints, room: Ints, taken: Ints) -> None:
    """Each market in position order takes the best of the rows still free; fills `taken` in
    place.
    """
    for market in range(len(room)):
        byte, bit = divmod(market, 8)
        wants = (packed[:, byte] >> (7 - bit)) & 1 == 1
        rows = np.flatnonzero(wants & (taken == _NO_MARKET))[: room[market]]
        taken[rows] = market


def _result(
    candidates: pl.DataFrame, ranked: Ints, seats: Sequence[MarketSeat], tally: _Tally
) -> Selection:
    fans, places = candidates["global_user_id"], np.cumsum(tally.candidate, dtype=np.int32)
    is_chosen = tally.market != _NO_MARKET
    chosen = np.flatnonzero(is_chosen)
    market_ids = pl.Series([seat.market_id for seat in seats], dtype=pl.String)
    members = pl.DataFrame(
        {
            "global_user_id": fans.gather(ranked[chosen]),
            "market_id": market_ids.gather(tally.market[chosen]),
            "place": pl.Series(places[chosen], dtype=pl.Int64),
        }
    )
    return Selection(
        members=members,
        fans=fans,
        waiting=pl.Series(ranked[tally.candidate & ~is_chosen]),
        markets=_market_results(
            candidates["band_score"].gather(ranked[chosen]),
            tally.market[chosen],
            seats,
            tally.wanted,
        ),
        candidates=int(tally.candidate.sum()),
        excluded={
            Exclusion.NO_MARKET_WANTED: tally.unwanting,
            Exclusion.REGISTERED_TOO_LATE: tally.too_late,
        },
        members_digest=members_digest(members),
    )


def _market_results(
    band_scores: pl.Series, chosen_market: Ints, seats: Sequence[MarketSeat], wanted: Ints
) -> tuple[MarketResult, ...]:
    scores = band_scores.to_numpy()
    results = []
    for index, seat in enumerate(seats):
        own = scores[chosen_market == index]
        cutoff = float(own.min()) if len(own) and len(own) == seat.room else None
        results.append(
            MarketResult(
                seat.market_id,
                seat.capacity,
                seat.given,
                seat.room,
                len(own),
                cutoff,
                int(wanted[index]),
            )
        )
    return tuple(results)
