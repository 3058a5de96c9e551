"""Names, keys and the validity of codes. [W-1, K-2]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from waves.errors import BadDateKey, NaiveDate
from waves.naming import checked_date_key, code_validity, wave_name


def test_w1_a_wave_is_named_after_its_campaign_and_date_key():
    assert wave_name("12345", "20260120") == "12345_20260120"
    assert wave_name("tour-a", "20260120-2") == "tour-a_20260120-2"


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
    begin, end = code_validity(datetime(2026, 1, 20, 18, tzinfo=UTC))
    assert begin == datetime(2026, 1, 19, 18, tzinfo=UTC)
    assert end == datetime(2027, 1, 20, 18, tzinfo=UTC)


def test_k2_a_leap_day_ends_on_28_february():
    _, end = code_validity(datetime(2028, 2, 29, 6, tzinfo=UTC))
    assert end == datetime(2029, 2, 28, 6, tzinfo=UTC)


def test_k2_the_same_moment_in_another_zone_has_the_same_validity():
    there = timezone(timedelta(hours=-5))
    moment = datetime(2028, 2, 29, 2, tzinfo=UTC)
    assert code_validity(moment) == code_validity(moment.astimezone(there))


def test_a_naive_date_is_refused():
    with pytest.raises(NaiveDate, match="no time zone offset"):
        code_validity(datetime(2026, 1, 20))  # noqa: DTZ001
