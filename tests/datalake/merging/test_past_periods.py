"""All past periods that have loose files are merged, late ones included. [L-3]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from datalake import catalogue
from datalake.choices import FileState, MergeState
from datalake.layout import Period
from datalake.merging import merge, past_periods
from datalake.models import LakeFile
from tests.datalake.lake_cases import (
    DAY,
    ids,
    put_foreign,
    readable_ids,
    save_loose,
    valid,
)
from tests.support.lake import NOON

pytestmark = pytest.mark.django_db


LATER = datetime(2026, 1, 25, 10, 0, tzinfo=UTC)


LEAP_DAYS = ["2024-02-28", "2024-02-29", "2024-03-01"]


TWO_MONTHS = ["2024-02", "2024-03"]


def test_a_late_file_opens_a_past_period_again():
    """[L-3]"""
    count = save_loose(5, 5)
    assert [
        str(each) for each in past_periods.merge_past(["scoring"], monthly=False, now=LATER)[0]
    ] == ["scoring 2026-01-20 g1"]
    assert past_periods.merge_past(["scoring"], monthly=False, now=LATER) == ([], [])
    save_loose(3, first=count)
    assert readable_ids() == ids(13)
    [again], _ = past_periods.merge_past(["scoring"], monthly=False, now=LATER)
    assert (again.generation, again.files, again.records_out) == (2, 2, 13)
    assert readable_ids() == ids(13)
    assert LakeFile.objects.get(generation=1).state == FileState.SUPERSEDED


def test_a_day_that_is_not_over_is_left_alone():
    """[L-3]"""
    save_loose(5, created=LATER)
    save_loose(5, created=LATER - timedelta(days=1), first=5)
    merges, _ = past_periods.merge_past(["scoring"], monthly=False, now=LATER)
    assert [each.period for each in merges] == ["2026-01-24"]


@pytest.mark.parametrize(
    ("now", "days", "months"),
    [
        ("2024-02-28T23:59:59.999999", [], []),
        ("2024-02-29T00:00:00", ["2024-02-28"], []),
        ("2024-02-29T23:59:59.999999", ["2024-02-28"], []),
        ("2024-03-01T00:00:00", ["2024-02-28", "2024-02-29"], ["2024-02"]),
        ("2024-12-31T23:59:59.999999", LEAP_DAYS, TWO_MONTHS),
        ("2025-01-01T00:00:00", [*LEAP_DAYS, "2024-12-31"], [*TWO_MONTHS, "2024-12"]),
    ],
)
def test_a_day_and_a_month_are_over_at_midnight_utc_in_leap_years_too(
    monkeypatch, now, days, months
):
    """[L-3]"""
    monkeypatch.setattr(past_periods, "merge_period", lambda record_type, period: str(period))
    moments = ("02-28T00:00", "02-29T23:59", "03-01T00:00", "12-31T23:59")
    for number, moment in enumerate(moments):
        save_loose(1, first=number, created=datetime.fromisoformat(f"2024-{moment}:00+00:00"))
    put_foreign("theirs", [valid(1)], folder="avro/registration/2024/02/29")
    given = datetime.fromisoformat(f"{now}+00:00")
    assert past_periods.merge_past(["scoring"], monthly=False, now=given) == (days, [])
    assert past_periods.merge_past(["scoring"], monthly=True, now=given) == (months, [])
    leap_day = [day for day in days if day == "2024-02-29"]
    assert past_periods.merge_past(["registration"], monthly=False, now=given) == (leap_day, [])


def test_a_month_takes_its_days_merged_or_not():
    """[L-3]"""
    save_loose(5, 5)
    merge.merge_period("scoring", DAY)
    save_loose(7, created=NOON + timedelta(days=1), first=10)
    save_loose(2, created=NOON + timedelta(days=20), first=17)
    [done], _ = past_periods.merge_past(
        ["scoring"], monthly=True, now=datetime(2026, 2, 2, tzinfo=UTC)
    )
    assert (done.merged_key, done.files) == (
        "avro/scoring/merged/2026/01/scoring_2026_01.g1.avro",
        2,
    )
    assert readable_ids(Period(2026, 1)) == ids(17)
    assert [file.period for file in catalogue.readable_files("scoring", DAY)] == ["2026-01"]
    assert past_periods.merge_past(
        ["scoring"], monthly=True, now=datetime(2026, 2, 3, tzinfo=UTC)
    ) == (
        [],
        [],
    )


def test_a_late_day_is_taken_by_the_next_merge_of_its_month():
    """[L-3]"""
    month = Period(2026, 1)
    count = save_loose(5)
    merge.merge_period("scoring", month)
    save_loose(2, first=count)
    assert merge.merge_period("scoring", DAY).generation == 1
    assert readable_ids(month) == ids(7)
    done = merge.merge_period("scoring", month)
    assert (done.generation, done.files) == (2, 2)
    assert readable_ids(month) == ids(7)


@pytest.mark.parametrize(
    ("monthly", "merged"),
    [(False, ["2026-01-20", "2025-12-31", "2026-01-19"]), (True, ["2026-01", "2025-12"])],
)
def test_l3_records_of_other_days_and_months_in_a_foreign_file_are_merged_in_the_same_run(
    monthly, merged
):
    """Nothing but the file's own folder was there to be merged when the run began."""
    created = ["2026-01-20T10:30:00.000Z", "2026-01-19T23:59:59.999Z", "2025-12-31T23:59:59.999Z"]
    rows = [valid(number, date={"created": each}) for number, each in enumerate(created)]
    put_foreign("theirs", rows)
    now = datetime(2026, 2, 3, 10, 0, tzinfo=UTC)
    done, failures = past_periods.merge_past(["registration"], monthly=monthly, now=now)
    assert ([each.period for each in done], failures) == (merged, [])
    assert sum(each.records_out for each in done) == 3
    assert all(each.state == MergeState.MERGED for each in done)
