"""By when each step of a wave has to begin. [O-9]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from waves.choices import WaveState
from waves.deadlines.steps import deadlines, due_warning, not_done, sending_seconds

NEW_YORK = ZoneInfo("America/New_York")
AT = datetime(2026, 1, 21, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_o9_a_wave_is_prepared_a_day_before_and_approved_and_scheduled_by_its_date():
    found = deadlines("prepared", AT)
    assert [(each.step, each.latest, each.done) for each in found] == [
        ("prepare", AT - timedelta(days=1), True),
        ("approve", AT, False),
        ("schedule", AT, False),
    ]


def test_o9_a_day_has_24_hours_also_when_the_clocks_change():
    # on 8 March 2026 New York's clocks go from 2 to 3
    notify = datetime(2026, 3, 8, 10, tzinfo=NEW_YORK)
    latest = deadlines("configured", notify)[0].latest
    assert notify.astimezone(UTC) - latest.astimezone(UTC) == timedelta(hours=24)


def test_o9_nothing_is_left_of_what_is_scheduled_sent_held_or_given_up():
    left = {str(state): list(not_done(state)) for state in WaveState}
    assert {state for state, steps in left.items() if not steps} == {
        *("scheduled", "held", "triggered", "paused", "completed", "cancelled")
    }
    assert left["failed"] == ["prepare", "approve", "schedule"]
    assert left["approved"] == ["schedule"]


@pytest.mark.parametrize(
    ("left", "hours"),
    [
        (48.1, None),
        (48, 48),
        (26.1, 48),
        (26, 26),
        (2.1, 26),
        (2, 2),
        (0.1, 2),
        (0, None),
        (-1, None),
    ],
    ids=str,
)
def test_o9_warnings_come_48_26_and_2_hours_before_and_none_afterwards(left, hours):
    assert due_warning(AT, AT - left * HOUR) == hours


def test_n2_sending_takes_as_long_as_the_rate_lets_messages_through():
    assert sending_seconds(720_000, 200) == 3_600
