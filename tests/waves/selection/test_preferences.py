"""Preferences as arrays: which markets each fan wants, best first, and may have. [W-5, C-4]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from waves.markets import MarketSeat
from waves.selection import preferences

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
SEATS = [MarketSeat(m, m, 1, NOON + timedelta(hours=at), at) for at, m in enumerate("abc")]


def encoded(*fans: tuple[list[str] | None, datetime]) -> preferences.Preferences:
    frame = pl.DataFrame(
        {"preferences": [wanted for wanted, _ in fans], "registered_at": [at for _, at in fans]},
        schema={"preferences": pl.List(pl.String), "registered_at": pl.Datetime("us", "UTC")},
    )
    return preferences.encode(frame, SEATS)


def wanted(found: preferences.Preferences, order=None) -> list[list[str]]:
    return [
        ["abc"[index] for index in row if index != found.nothing]
        for chunk in found.chunks(order)
        for row in chunk.wanted
    ]


def test_w5_a_fans_markets_come_in_their_own_order():
    assert wanted(encoded((["c", "a"], NOON), (["b"], NOON))) == [["c", "a"], ["b"]]


def test_c4_empty_preferences_mean_every_market_in_position_order():
    assert wanted(encoded(([], NOON), (None, NOON))) == [["a", "b", "c"]] * 2


def test_w5_a_market_that_closed_before_the_registration_is_left_out():
    late = NOON + timedelta(minutes=1)
    found = encoded((["a", "b"], late), (["a"], late), (["a"], NOON))
    assert wanted(found) == [["b"], [], ["a"]]
    [chunk] = found.chunks()
    assert chunk.wants_any.tolist() == [True, True, True]
    assert chunk.eligible.tolist() == [[False, True, False], [False] * 3, [True, False, False]]


def test_w5_a_market_outside_the_wave_is_nothing():
    found = encoded((["z", "b"], NOON), (["z"], NOON))
    assert wanted(found) == [["b"], []]
    [chunk] = found.chunks()
    assert chunk.wants_any.tolist() == [True, False]


def test_chunks_cover_every_row_once(monkeypatch):
    monkeypatch.setattr(preferences, "CHUNK_ROWS", 2)
    found = encoded(*[(["a"], NOON)] * 5)
    for order in (None, np.arange(5)):
        rows = [chunk.rows for chunk in found.chunks(order)]
        assert rows == [slice(0, 2), slice(2, 4), slice(4, 5)]


def test_w5_fans_come_as_they_stand_or_in_the_order_of_the_draw():
    found = encoded((["a"], NOON), (["b"], NOON), (["c"], NOON + timedelta(hours=3)))
    assert wanted(found) == [["a"], ["b"], []]
    assert wanted(found, np.array([2, 0, 1])) == [[], ["a"], ["b"]]


@pytest.mark.parametrize("few", [8, 1])
def test_w5_who_names_a_market_twice_is_counted_once(monkeypatch, few):
    """By either way of counting."""
    monkeypatch.setattr(preferences, "FEW", few)
    late = NOON + timedelta(minutes=1)
    fans = (["b", "a", "b", "b"], NOON), (["a", "c"], late), (["z", "c", "c"], NOON)
    [chunk] = encoded(*fans).chunks()
    assert chunk.wanted_by.tolist() == [1, 1, 2]
