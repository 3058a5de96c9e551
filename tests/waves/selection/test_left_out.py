"""Who was left out, as a selection. [X-8]"""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from waves.markets import MarketSeat
from waves.selection.allocation import Selection, members_digest
from waves.selection.left_out import of_those_left_out, without_room

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_x8_no_market_of_the_campaign_has_a_seat_for_who_is_told():
    seats = [MarketSeat("west", "West", 5, NOON, given=2), MarketSeat("east", "East", 5, NOON)]
    assert [seat.room for seat in without_room(seats)] == [0, 0]
    assert [(seat.capacity, seat.given) for seat in without_room(seats)] == [(5, 2), (5, 0)]


def test_x8_who_waits_is_a_member_without_a_market_at_their_place():
    fans, waiting = pl.Series(["a", "b", "c"]), pl.Series([1, 0])
    found = of_those_left_out(Selection(pl.DataFrame(), fans, waiting, (), 2, {}, ""))
    assert found.members.rows() == [("b", "", 1), ("a", "", 2)]
    assert found.waitlist.is_empty()
    assert found.members_digest == members_digest(found.members)
