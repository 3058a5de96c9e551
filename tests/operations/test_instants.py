from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from operations import instants
from operations.instants import NaiveInstant, NotAnInstant
from tests.support.doors import around

EAST = timezone(timedelta(hours=2))
NAIVE = datetime(2026, 1, 20)  # noqa: DTZ001 that is the point
# change events carry dates of other shapes, and of any year; the boxes of forms, clocks without an
# offset; the checker of a draw shares no code with us
OTHER_SHAPES = (
    "console/proof/verify_draw.py",
    "demand/events/dates.py",
    "operations/adminkit/wall_clock.py",
)


def test_t5_an_instant_is_written_in_utc_with_milliseconds_cut_off():
    written = instants.stamp(datetime(2026, 1, 20, 1, 2, 3, 999_999, tzinfo=EAST))
    assert written == "2026-01-19T23:02:03.999Z"


def test_a_sentence_says_an_instant_in_utc_and_in_words():
    there = datetime(2026, 3, 7, 21, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert instants.in_words(there) == "8 Mar 2026, 02:30 UTC"


def test_an_instants_day_is_that_of_utc():
    assert instants.utc_day(datetime(2026, 1, 20, 1, 59, tzinfo=EAST)) == date(2026, 1, 19)
    assert instants.utc_day(datetime(2026, 1, 20, 2, 0, tzinfo=EAST)) == date(2026, 1, 20)


@pytest.mark.parametrize("parse", [instants.parse, instants.parse_typed])
def test_an_instant_is_read_with_its_offset(parse):
    assert parse("2026-01-20T18:00:00.5Z") == datetime(2026, 1, 20, 18, 0, 0, 500_000, tzinfo=UTC)
    assert parse("2026-01-20T18:00:00+02:00").utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("parse", [instants.parse, instants.parse_typed])
def test_what_is_no_instant_and_what_has_no_offset_are_two_errors(parse):
    for text in ("", "soon", "2026-13-01T00:00:00Z", "2026-01-20T25:00:00Z"):
        with pytest.raises(NotAnInstant, match="ISO 8601"):
            parse(text)
    for text in ("2026-01-20T18:00:00", "2026-01-20"):
        with pytest.raises(NaiveInstant, match="has no time zone offset"):
            parse(text)


def test_people_may_leave_a_zero_out_and_records_may_not():
    assert instants.parse_typed("2026-1-2 9:00+00:00") == datetime(2026, 1, 2, 9, tzinfo=UTC)
    with pytest.raises(NotAnInstant):
        instants.parse("2026-1-2 9:00+00:00")


@pytest.mark.parametrize(
    "use", [instants.aware, instants.stamp, instants.utc_day, instants.iso, instants.in_words]
)
def test_a_naive_instant_is_refused_everywhere(use):
    with pytest.raises(NaiveInstant, match="2026-01-20T00:00:00 has no time zone offset"):
        use(NAIVE)


def test_s10_the_public_page_writes_times_in_utc_to_the_microsecond_and_none_where_there_is_none():
    at = datetime(2026, 1, 20, 19, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    assert instants.iso(at) == "2026-01-20T18:00:00.123456+00:00"
    assert instants.iso(None) is None


def test_instants_are_read_and_stamped_in_one_module():
    ours = r"datetime\.fromisoformat|strptime|parse_datetime|timespec="
    found = around("operations/instants.py", ours)
    assert [line for line in found if not line.startswith(OTHER_SHAPES)] == []
