from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demand.events import dates
from operations import instants

UTC_INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive ends


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-01-20T18:00:00.123Z", "2026-01-20T18:00:00.123Z"),
        ("2026-01-20T18:00:00Z", "2026-01-20T18:00:00.000Z"),
        ("2026-01-20T18:00Z", "2026-01-20T18:00:00.000Z"),
        ("2026-01-20t18:00:00z", "2026-01-20T18:00:00.000Z"),
        ("2026-01-20 18:00:00.9999", "2026-01-20T18:00:00.999Z"),
        ("2026-01-20T23:30:00-05:00", "2026-01-21T04:30:00.000Z"),
        ("2026-01-20T01:30:00+0530", "2026-01-19T20:00:00.000Z"),
        ("20260120T180000Z", "2026-01-20T18:00:00.000Z"),
        ("2026-01-20", "2026-01-20T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_iso_dates_are_read_as_utc_naive_ones_too_and_a_date_alone_is_its_midnight(text, stamp):
    instant, written = dates.read(text)
    assert written == instants.stamp(instant) == stamp
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary",
        "2026",
        "2026-01",
        "2026-13-01",
        "2026-02-30T00:00:00.000Z",
        "2026-01-20T18:61:00.000Z",
        "1701010912345",  # milliseconds, which Python would read as a time of 1701
        "1767225600",
        "2026-01-20X18:00:00Z",
        "２026-01-20",
        "0001-01-01T00:00:00+01:00",  # before the first instant there is
        "Tue Jan 20 2026 18:00:00 GMT+0000",
        "2026-W04-2T00:00:00.000Z",
    ],
)
def test_what_is_no_iso_date_is_refused_and_never_quoted(text):
    with pytest.raises(ValueError, match="not an ISO 8601 date") as refused:
        dates.read(text)
    assert not text or text not in str(refused.value)


@given(UTC_INSTANTS, st.integers(-23 * 60, 23 * 60))
def test_a_date_says_the_same_instant_with_any_offset(instant, minutes):
    elsewhere = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert dates.parse(elsewhere.isoformat()) == instant
    assert instants.stamp(elsewhere) == instants.stamp(instant)


@given(UTC_INSTANTS)
def test_stamps_stand_in_the_order_of_time(instant):
    later = instant + timedelta(milliseconds=1)
    assert instants.stamp(instant) < instants.stamp(later)
    assert dates.read(instants.stamp(instant))[1] == instants.stamp(instant)


@pytest.mark.parametrize(
    "value",
    [
        1_790_000_000,
        1_790_000_000.0,
        1_790_000_000_000,
        1_790_000_000_000_000,
        "1790000000",
        "1790000000000",
        " 1790000000.0 ",
    ],
)
def test_d2_the_time_of_a_change_is_seconds_milliseconds_or_microseconds_by_magnitude(value):
    assert dates.of_change(value) == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


def test_d2_fractions_of_a_second_are_kept():
    assert dates.of_change(1_790_000_000.25).microsecond == 250_000
    assert dates.of_change(1_790_000_000_123).microsecond == 123_000
    assert dates.of_change(1_790_000_000_123_457).microsecond == 123_457


def test_d2_the_time_of_a_change_may_be_iso_8601():
    assert dates.of_change("2026-09-21T14:13:20Z") == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", [True, -1, -0.5, 10**17, 1e300, "canary", "", [1], {"N": "1"}, None, "1e9", "9" * 5000]
)
def test_d2_what_is_no_time_is_refused(value):
    with pytest.raises(ValueError):
        dates.of_change(value)


def test_d2_a_change_in_1970_stays_there():
    assert dates.of_change(0) == datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError):
        dates.of_change(False)
