"""Names, keys and the validity of codes. [W-1, K-2]"""

from __future__ import annotations

from calendar import isleap
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waves.errors import BadDateKey, NaiveDate
from waves.naming import checked_date_key, code_validity, next_date_key, wave_name


def test_w1_a_wave_is_named_after_its_campaign_and_date_key():
    assert wave_name("12345", "20260120") == "12345_20260120"
    assert wave_name("tour-a", "20260120-2") == "tour-a_20260120-2"


def test_w1_a_days_first_free_date_key_counts_from_two():
    day = date(2026, 1, 20)
    assert next_date_key(day, {"20260121"}) == "20260120"
    assert next_date_key(day, {"20260120", "20260120-3"}) == "20260120-2"
    assert next_date_key(day, {"20260120", "20260120-2"}) == "20260120-3"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "2026-01-20",
        "20260132",
        "20250229",
        "20260120-",
        "20260120-0",
        "20260120-02",
        "20260120_2",
        "２0260120",
    ],
)
def test_w1_what_is_no_day_is_no_date_key(key):
    with pytest.raises(BadDateKey, match="YYYYMMDD"):
        checked_date_key(key)


def test_k2_codes_are_valid_from_a_day_before_until_a_calendar_year_after():
    begin, end = code_validity(datetime(2026, 1, 20, 18, tzinfo=UTC), "UTC")
    assert begin == datetime(2026, 1, 19, 18, tzinfo=UTC)
    assert end == datetime(2027, 1, 20, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "notify_date", "end"),
    [
        ("UTC", "2028-02-29T06:00+00:00", "2029-02-28T06:00+00:00"),
        # still 28 February in New York, where it is a day of each year
        ("America/New_York", "2028-02-29T02:00+00:00", "2029-03-01T02:00+00:00"),
        # 29 February in Tokyo already
        ("Asia/Tokyo", "2028-02-28T20:00+00:00", "2029-02-27T20:00+00:00"),
        # clocks go forward on 8 March 2026 and on 14 March 2027: 10:00 there is another hour in UTC
        ("America/New_York", "2026-03-10T14:00+00:00", "2027-03-10T15:00+00:00"),
        # 02:30 is skipped on 14 March 2027, so the end is 03:30
        ("America/New_York", "2026-03-14T06:30+00:00", "2027-03-14T07:30+00:00"),
        # 01:30 comes twice on 7 November 2027, and the end is the first one
        ("America/New_York", "2026-11-07T06:30+00:00", "2027-11-07T05:30+00:00"),
    ],
)
def test_k2_the_year_is_one_of_the_campaigns_zone(zone, notify_date, end):
    assert code_validity(datetime.fromisoformat(notify_date), zone)[1] == (
        datetime.fromisoformat(end)
    )


ZONES = ("UTC", "America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Lord_Howe")
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2198, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
LEAP_DAYS = st.builds(
    lambda year, seconds: datetime(year, 2, 28, tzinfo=UTC) + timedelta(seconds=seconds),
    st.integers(2000, 2198).filter(isleap),
    st.integers(0, 3 * 86_400),
)
# the Sundays on which clocks change in New York and in London, from the year before too
CHANGES = st.builds(
    lambda day, seconds: datetime.fromisoformat(f"{day}T00:00+00:00") + timedelta(seconds=seconds),
    st.sampled_from(["2025-03-08", "2026-03-14", "2026-03-28", "2026-10-24", "2026-11-01"]),
    st.integers(0, 2 * 86_400),
)


@given(moment=MOMENTS | LEAP_DAYS | CHANGES, zone=st.sampled_from(ZONES))
def test_k2_the_end_shows_the_same_clock_a_year_later(moment, zone):
    begin, end = code_validity(moment, zone)
    there = ZoneInfo(zone)
    start, wall = moment.astimezone(there), end.astimezone(there).replace(tzinfo=None)
    leap = (start.month, start.day) == (2, 29)
    wanted = start.replace(year=start.year + 1, day=28 if leap else start.day, tzinfo=None)
    skipped = wanted.replace(tzinfo=there).astimezone(UTC).astimezone(there).replace(tzinfo=None)
    assert begin == moment - timedelta(hours=24)
    assert wall == skipped >= wanted
    assert wall - wanted <= timedelta(hours=1)
    assert (begin.utcoffset(), end.utcoffset()) == (timedelta(0), timedelta(0))


@given(moment=LEAP_DAYS | CHANGES, zone=st.sampled_from(ZONES), hours=st.integers(-12, 14))
def test_k2_the_same_moment_written_with_another_offset_has_the_same_validity(moment, zone, hours):
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    assert code_validity(elsewhere, zone) == code_validity(moment, zone)


def test_a_naive_date_is_refused():
    with pytest.raises(NaiveDate, match="no time zone offset"):
        code_validity(datetime(2026, 1, 20), "UTC")  # noqa: DTZ001
