"""How database and lake compared, in words. [L-9, X-9]"""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from console.lake import parity
from datalake.layout import Period
from datalake.models import ParityResult


def result(database: int = 5, lake: int = 5, **values: Any) -> ParityResult:
    about = {"record_type": "scoring", "period": "2026-01-20", "ok": False}
    counts = {"database_records": database, "lake_records": lake}
    hashes = {"database_hash": "0" * 64, "lake_hash": "0" * 64, "checked_at": timezone.now()}
    return ParityResult(**about | counts | hashes | values)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (result(ok=True), "The same"),
        (result(lake=3), "2 of 5 records are missing in the lake, which has 3"),
        (result(lake=1_006), "The lake has 1,001 records more than the database, which has 5"),
        (result(), "5 records on both sides, but with other content"),
        (result(lake=3, error="x.avro cannot be read"), "x.avro cannot be read"),
    ],
)
def test_x9_a_difference_is_said_in_one_sentence(found, words):
    assert parity.sentence(found) == words


@pytest.mark.django_db
def test_x9_results_of_a_month_stand_by_period_and_type_and_differences_of_all_months():
    assert parity.newest_month(Period(2026, 7, 1)) == Period(2026, 7)
    same = result(ok=True)
    month = result(ok=True, period="2026-01", record_type="registration")
    other = result(period="2025-12-31")
    ParityResult.objects.bulk_create([same, month, other, result(ok=True, period="2031-01-01")])
    rows = parity.month_rows(Period(2026, 1))
    assert [(row.period, row.results) for row in rows] == [
        ("2026-01", [month, None, None]),
        ("2026-01-20", [None, same, None]),
    ]
    assert parity.differing() == [other]
    assert parity.newest_month(Period(2026, 7, 1)) == Period(2026, 1)
    assert parity.last_checked() is not None
