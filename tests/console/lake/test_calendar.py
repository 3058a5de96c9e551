"""A month of the lake by day. [L-3, L-4]"""

from __future__ import annotations

from datetime import date

import pytest

from console.lake import calendar
from console.lake.days import MOST_COUNTED
from datalake.layout import Period
from tests.console.lake.lake_rows import a_day, a_file, a_merge

pytestmark = pytest.mark.django_db
JANUARY = Period(2026, 1)


def states(month: Period = JANUARY, record_type: str = "scoring") -> dict[str, str]:
    (found,) = calendar.months([record_type], month)
    return {f"{day.day:%d}": day.state for day in found.days if day.state != "nothing"}


def test_l4_each_day_of_a_month_has_its_state():
    a_day("2026-01-20")
    a_file("2026-01-20")
    a_file("2026-01-21", "merged")
    a_file("2026-01-21", "superseded")
    a_file("2026-01-22", "merged")
    a_file("2026-01-22", "archived")
    a_file("2026-01-23", "merged")
    a_file("2026-01-23")
    a_file("2026-01-24")
    a_merge("2026-01-24", "consolidating")
    a_file("2026-01-25")
    a_merge("2026-01-25", "fragmented", error="too large")
    a_file("2026-01-31", record_type="registration")
    assert states() == {
        "20": "fragmented",
        "21": "merged",
        "22": "archived",
        "23": "late",
        "24": "merging",
        "25": "refused",
    }
    assert states(record_type="registration") == {"31": "fragmented"}


def test_l3_days_in_the_file_of_their_month_are_archived_and_what_came_later_is_late():
    a_file("2026-01", "merged")
    a_day("2026-01-20")
    a_day("2026-01-21")
    a_file("2026-01-21")
    assert states() == {"20": "archived", "21": "late"}
    a_merge("2026-01", "querying")
    assert states() == {"20": "archived", "21": "merging"}
    (month,) = calendar.months(["scoring"], JANUARY)
    assert (month.own, month.records) == ("merging", 20)


def test_a_cell_says_all_of_it_in_words_for_who_sees_no_colour():
    a_day()
    a_file("2026-01-20", "merged")
    a_file()
    (month,) = calendar.months(["scoring"], JANUARY)
    (day,) = [each for each in month.days if each.records]
    assert day.label == "20 January 2026: late, 10 records, 1 late file"
    assert [len(week) for week in month.weeks] == [7] * 5


def test_a_month_of_all_types_is_three_queries_and_counts_no_day_to_its_end(
    django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr(calendar, "MOST_COUNTED", 2)
    for _ in range(5):
        a_file()
    with django_assert_num_queries(3):
        found = calendar.months(["registration", "scoring"], JANUARY)
    assert [day.loose for month in found for day in month.days if day.loose] == [3]
    assert MOST_COUNTED == 1_000


def test_without_a_month_the_one_of_the_newest_records_is_shown():
    today = date(2026, 7, 1)
    assert calendar.newest_month(["scoring"], today=today) == Period(2026, 7)
    a_day("2026-03-05")
    a_day("2031-01-01")
    assert calendar.newest_month(["scoring"], today=today) == Period(2026, 3)


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-01-20", "0001-01", "9999-12", "x"])
def test_what_is_not_a_month_is_ignored(text):
    assert calendar.month_of(text) is None


def test_months_follow_each_other_over_the_year_and_end_where_dates_end():
    assert calendar.month_of("2026-01") == JANUARY
    assert calendar.beside(JANUARY) == (Period(2025, 12), Period(2026, 2))
    assert calendar.beside(Period(2, 1)) == (None, Period(2, 2))
    assert calendar.beside(Period(9998, 12)) == (Period(9998, 11), None)


def test_types_of_campaigns_come_first_and_then_those_that_the_lake_has():
    a_day(record_type="sale")
    assert calendar.types() == ["registration", "scoring", "codeAssignment", "sale"]
