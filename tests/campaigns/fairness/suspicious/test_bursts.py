"""Registrations in bursts. [X-13]"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from campaigns.fairness.suspicious.bursts import SECOND, bursts
from campaigns.fairness.suspicious.groups import Group

OPENS = 1_767_261_600
HOUR = 3_600


def found_in(*seconds: np.ndarray) -> list[Group]:
    at = np.concatenate(seconds)
    us = (at * SECOND).astype(np.int64)
    return bursts(pl.DataFrame({"line": range(2, len(at) + 2), "us": us}).sort("us"))


def steady(rate: float, hours: int = 10) -> np.ndarray:
    rng = np.random.default_rng(6)
    return OPENS + np.sort(rng.uniform(0, hours * HOUR, int(rate * hours * HOUR)))


@pytest.mark.parametrize(("fans", "seconds"), [(30, 1), (60, 20), (200, 400)])
def test_x13_a_burst_is_a_group(fans, seconds):
    people = steady(0.05)
    burst = OPENS + 5 * HOUR + np.linspace(0, seconds, fans, endpoint=False)
    (group,) = found_in(people, burst)
    mine = set(range(len(people) + 2, len(people) + fans + 2))
    assert len(mine & set(group.lines.tolist())) == fans
    assert group.size < 1.4 * fans
    assert abs(int(group.about["begins"]) - (OPENS + 5 * HOUR)) < 180


@pytest.mark.parametrize("half_life", [120, 600, 2_400])
def test_x13_a_rush_that_fades_is_no_burst(half_life):
    rng = np.random.default_rng(2)
    rush = OPENS + HOUR + rng.exponential(half_life / np.log(2), 20_000)
    assert found_in(steady(0.2), rush) == []


def test_x13_a_rush_of_fans_who_waited_for_the_opening_is_no_burst():
    """Its rate falls as one over the time."""
    waited = (
        np.exp(np.random.default_rng(2).uniform(np.log(20), np.log(20 + 9 * HOUR), 20_000)) - 20
    )
    assert found_in(OPENS + waited) == []


def test_x13_times_that_are_rounded_to_hours_say_nothing():
    assert found_in(np.floor(steady(0.5) / HOUR) * HOUR) == []


def test_x13_no_times_are_no_burst():
    assert found_in(np.empty(0)) == []
