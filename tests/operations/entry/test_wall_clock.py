"""A wall clock and the instant that it means. [C-1]"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from operations.entry.values import NOTIFY_YEARS
from operations.entry.wall_clock import instant_of, place, zone_named
from operations.errors import BadValue

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("zone", "shown", "instant"),
    [
        ("America/New_York", "2026-01-18 07:30", "2026-01-18 12:30"),
        ("America/New_York", "2026-07-18 07:30", "2026-07-18 11:30"),
        ("Asia/Kathmandu", "2026-01-18 00:00", "2026-01-17 18:15"),
        ("UTC", "2026-01-18 07:30:05", "2026-01-18 07:30:05"),
    ],
)
def test_what_clocks_show_is_one_instant_in_utc(zone, shown, instant):
    found = instant_of("", datetime.fromisoformat(shown), ZoneInfo(zone))
    assert found == datetime.fromisoformat(f"{instant}+00:00")


@pytest.mark.parametrize(
    ("zone", "shown", "said"),
    [
        ("America/New_York", "2026-03-08 02:30", "never show 8 Mar 2026, 02:30"),
        ("America/New_York", "2026-03-08 02:30", "such as 8 Mar 2026, 03:30"),
        ("America/New_York", "2026-11-01 01:30", "show twice 1 Nov 2026, 01:30"),
        ("America/New_York", "2026-11-01 01:30", "such as 1 Nov 2026, 02:30"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "such as 5 Apr 2026, 02:15"),
        ("Pacific/Apia", "2011-12-30 12:00", "such as 31 Dec 2011, 12:00"),
    ],
)
def test_a_time_that_clocks_skip_or_show_twice_is_refused_with_one_that_they_show_once(
    zone, shown, said
):
    with pytest.raises(BadValue) as refused:
        instant_of("notify date", datetime.fromisoformat(shown), ZoneInfo(zone))
    assert said in str(refused.value)
    assert f"the clocks in {place(ZoneInfo(zone))}" in str(refused.value)


def test_c2_the_year_is_judged_before_any_zone_is_asked():
    for year in ("0001", "9999"):
        with pytest.raises(BadValue, match=f"{year} is not allowed"):
            instant_of("", datetime.fromisoformat(f"{year}-01-01 00:00"), NEW_YORK)
    with pytest.raises(BadValue, match="2199 is not allowed"):
        instant_of("", datetime.fromisoformat("2199-01-01"), NEW_YORK, years=NOTIFY_YEARS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("New York", "America/New_York"),
        ("america/new_york", "America/New_York"),
        ("Londn", "Europe/London"),
        ("Mars/Olympus", "America/New_York"),
        ("", "America/New_York"),
    ],
)
def test_a_name_that_is_no_time_zone_is_answered_with_the_one_that_may_be_meant(typed, meant):
    with pytest.raises(BadValue, match=f"is not a time zone. Use a name such as {meant}"):
        zone_named("", typed)
    assert zone_named("", "Europe/Berlin") == ZoneInfo("Europe/Berlin")
