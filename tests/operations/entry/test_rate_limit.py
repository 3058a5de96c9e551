"""One client may ask so often, whatever the others do."""

from __future__ import annotations

import pytest

from operations.entry import rate_limit
from operations.entry.rate_limit import RateLimit


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_client_asks_in_a_burst_and_then_at_the_rate(clock):
    limit = RateLimit(per_second=2, burst=3, clock=clock)
    assert [limit.wait_seconds("ann") for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    clock.now += 0.5
    assert [limit.wait_seconds("ann") for _ in range(2)] == [0, 0.5]
    clock.now += 60
    assert [limit.wait_seconds("ann") for _ in range(4)] == [0, 0, 0, 0.5]


def test_one_client_does_not_use_up_what_others_may_ask(clock):
    limit = RateLimit(per_second=1, burst=1, clock=clock)
    assert [limit.wait_seconds(name) for name in ("ann", "ann", "ben")] == [0, 1, 0]


def test_of_too_many_clients_those_that_are_longest_away_are_forgotten(clock, monkeypatch):
    monkeypatch.setattr(rate_limit, "MOST_CLIENTS", 2)
    limit = RateLimit(per_second=1, burst=1, clock=clock)
    for name in ("ann", "ben", "eve"):
        limit.wait_seconds(name)
    assert [limit.wait_seconds(name) for name in ("eve", "ben", "ann")] == [1, 1, 0]


def test_a_client_that_asked_again_is_not_the_one_that_is_longest_away(clock, monkeypatch):
    monkeypatch.setattr(rate_limit, "MOST_CLIENTS", 2)
    limit = RateLimit(per_second=1, burst=1, clock=clock)
    for name in ("ann", "ben"):
        limit.wait_seconds(name)
    clock.now += 1
    assert [limit.wait_seconds(name) for name in ("ann", "eve", "ann")] == [0, 0, 1]
