from __future__ import annotations

from datetime import date

from datalake.avro.columns import MODULUS
from datalake.avro.container import Summary
from datalake.layout import Period
from datalake.parity.comparison import Published, compare, without

DAY, NEXT, MONTH = Period(2026, 1, 20), Period(2026, 1, 21), Period(2026, 1)


def published(**days):
    return {
        date(2026, 1, int(day[1:])): Published(Summary(*content)) for day, content in days.items()
    }


def oks(compared):
    return {str(each.period): each.ok for each in compared}


def test_x9_a_period_is_equal_in_records_and_content():
    database = published(d20=(3, 7), d21=(2, 5))
    same = compare("scoring", database, {DAY: Summary(3, 7), NEXT: Summary(2, 5)}, {})
    assert oks(same) == {"2026-01-20": True, "2026-01-21": True}
    fewer = compare("scoring", database, {DAY: Summary(2, 7), NEXT: Summary(2, 5)}, {})
    assert oks(fewer) == {"2026-01-20": False, "2026-01-21": True}
    other = compare("scoring", database, {DAY: Summary(3, 8), NEXT: Summary(2, 5)}, {})
    assert oks(other) == {"2026-01-20": False, "2026-01-21": True}


def test_x9_what_only_one_side_has_differs():
    both = compare("scoring", published(d20=(3, 7)), {NEXT: Summary(2, 5)}, {})
    assert oks(both) == {"2026-01-20": False, "2026-01-21": False}


def test_x9_days_of_a_month_in_one_file_are_compared_together_with_late_files():
    database = published(d20=(3, MODULUS - 1), d21=(2, 5))
    [month] = compare("scoring", database, {MONTH: Summary(4, 3), NEXT: Summary(1, 1)}, {})
    assert (month.period, month.ok, month.lake) == (MONTH, True, Summary(5, 4))


def test_x9_a_file_that_cannot_be_read_differs_whatever_the_others_hold():
    [day] = compare("scoring", published(d20=(3, 7)), {DAY: Summary(3, 7)}, {DAY: "damaged"})
    assert (day.ok, day.error) == (False, "damaged")


def test_x9_a_file_that_cannot_be_read_is_named_at_the_month_that_its_day_is_part_of():
    database = published(d20=(3, 7))
    [late] = compare("scoring", database, {MONTH: Summary(3, 7)}, {DAY: "damaged"})
    assert (late.period, late.ok, late.error) == (MONTH, False, "damaged")
    [whole] = compare("scoring", database, {DAY: Summary(3, 7)}, {MONTH: "gone"})
    assert (whole.period, whole.lake, whole.error) == (MONTH, Summary(3, 7), "gone")


def test_x9_content_that_is_taken_away_is_added_again():
    assert without(Summary(3, 1), Summary(1, 2)) == Summary(2, MODULUS - 1)
