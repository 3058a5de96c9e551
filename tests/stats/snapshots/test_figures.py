"""Instants, rests and sums of the figures of campaigns. [O-3]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stats.snapshots.figures import added_up, instant_of, rest

MINUTE = timedelta(minutes=1)


def test_o3_an_instant_is_a_multiple_of_five_minutes():
    at = datetime(2026, 3, 14, 15, 9, 26, 5, tzinfo=UTC)
    assert instant_of(at) == datetime(2026, 3, 14, 15, 5, tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(hours=5, minutes=33)))
    assert instant_of(elsewhere) == instant_of(instant_of(at)) == instant_of(at)


@pytest.mark.parametrize(
    ("seconds", "unchanged", "expected"),
    [
        (0.0, 0, 0 * MINUTE),  # what changed is counted again at the next instant
        (0.0, 1, 5 * MINUTE),
        (0.0, 3, 35 * MINUTE),
        (0.0, 50, 60 * MINUTE),
        (12.0, 0, 20 * MINUTE),  # a hundredth of the time
        (60.0, 50, 100 * MINUTE),
    ],
)
def test_o3_a_count_rests_the_longer_the_dearer_it_is_and_the_less_it_changes(
    seconds, unchanged, expected
):
    assert rest(seconds, unchanged) == expected


def test_o3_the_counts_of_waves_are_added_up():
    waves = [
        {"codes": {"assigned": 3}, "sms": {"sent": 2, "failed": 0}, "seconds": {"sms": 1.0}},
        {"codes": {"assigned": 4, "reserved": 1}, "sms": {"sent": 5}},
    ]
    assert added_up(waves) == {
        "codes": {"assigned": 7, "reserved": 1},
        "sms": {"sent": 7, "failed": 0},
        "email": {},
    }
