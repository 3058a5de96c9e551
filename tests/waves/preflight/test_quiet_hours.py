"""Messages at night are warned of. [X-6, C-1]"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from waves.preflight.check import Color
from waves.preflight.quiet_hours import judge_quiet_hours

NEW_YORK = ZoneInfo("America/New_York")


def judged(clock: str, minutes: int = 10, hours: str = "21:00-08:00") -> tuple[str, str]:
    starts = datetime.fromisoformat(f"2026-01-21T{clock}").replace(tzinfo=NEW_YORK)
    [found] = judge_quiet_hours(
        hours, [NEW_YORK], starts.astimezone(ZoneInfo("UTC")), timedelta(minutes=minutes)
    )
    return found.ok, found.detail


@pytest.mark.parametrize("clock", ["21:00", "23:59", "00:00", "07:59"])
def test_x6_a_wave_that_begins_in_quiet_hours_is_yellow(clock):
    color, detail = judged(clock)
    assert color == Color.YELLOW
    assert f"begins at {clock}, in the quiet hours 21:00 to 08:00 in New York." in detail


def test_x6_a_wave_that_is_not_over_before_they_begin_is_yellow():
    color, detail = judged("20:30", minutes=45)
    assert (color, "takes until 21:15" in detail) == (Color.YELLOW, True)
    assert judged("20:30", minutes=30)[0] == Color.YELLOW
    assert judged("09:00", minutes=24 * 60)[0] == Color.YELLOW


@pytest.mark.parametrize(
    ("clock", "hours"),
    [("08:00", "21:00-08:00"), ("20:49", "21:00-08:00"), ("13:30", "12:00-13:30")],
)
def test_x6_another_is_green(clock, hours):
    assert judged(clock, hours=hours)[0] == Color.GREEN


def test_x6_hours_within_one_day():
    assert judged("12:59", hours="12:00-13:30")[0] == Color.YELLOW


def test_x6_a_campaign_without_quiet_hours_has_no_such_line():
    assert (
        judge_quiet_hours("", [NEW_YORK], datetime(2026, 1, 21, tzinfo=NEW_YORK), timedelta()) == []
    )


@pytest.mark.parametrize(
    ("clock", "color", "said"),
    [
        ("12:00", "green", "outside of 21:00 to 08:00 in New York and Los Angeles."),
        ("10:30", "yellow", "begins at 07:30, in the quiet hours 21:00 to 08:00 in Los Angeles."),
        ("21:30", "yellow", "begins at 21:30, in the quiet hours 21:00 to 08:00 in New York."),
        ("02:00", "yellow", "in New York. Change the notify date. Sending begins at 23:00, in the"),
    ],
)
def test_x6_each_market_has_quiet_hours_by_its_own_clocks(clock, color, said):
    starts = datetime.fromisoformat(f"2026-01-21T{clock}").replace(tzinfo=NEW_YORK)
    zones = [NEW_YORK, ZoneInfo("America/Los_Angeles")]
    [found] = judge_quiet_hours("21:00-08:00", zones, starts, timedelta(minutes=5))
    assert (str(found.ok), said in found.detail) == (color, True)
