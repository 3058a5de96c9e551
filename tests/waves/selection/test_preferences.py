"""Preferences as arrays: which markets each fan wants, best first, and may have. [W-5, C-4]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from waves.markets import MarketSeat
from waves.selection import preferences

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
SEATS = [MarketSeat(m, m, 1, NOON + timedelta(hours=at), at) for at, m in enumerate("abc")]


def encoded(*fans: tuple[list[str] | None, datetime]) -> preferences.Preferences:
    frame = pl.DataFrame(
        {"preferences": [wanted for wanted, _ in fans], "registered_at": [at for _, at in fans]},
        schema={"preferences": pl.List(pl.String), "registered_at": pl.Datetime("us", "UTC")},
    )
    return preferences.encode(frame, np.arange(len(fans)), SEATS)


def wanted(found: preferences.Preferences) -> list[list[str]]:
    return [
        ["abc"[index] for index in row if index != found.nothing]
        for chunk in found.chunks()
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
    starts = [(chunk.start, len(chunk.wanted)) for chunk in found.chunks()]
    assert starts == [(0, 2), (2, 2), (4, 1)]
    assert np.sum([count for _, count in starts]) == found.rows
