from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datalake import archive
from datalake.layout import Period
from datalake.merging import merge
from datalake.models import LakeFile
from datalake.parity import lake_files, published
from datalake.storage import buckets
from tests.datalake.lake_cases import DAY, save_loose

pytestmark = pytest.mark.django_db
MONTH = Period(2025, 12)


def taken():
    published.count_published()
    return lake_files.take("scoring")


def records(found):
    return {str(period): summary.records for period, summary in found.summaries.items()}


def test_x9_both_readings_find_what_readers_see_merged_or_not():
    count = save_loose(3, 2)
    merge.merge_period("scoring", DAY)
    save_loose(4, first=count)
    snapshot = taken()
    entries, contents = lake_files.in_catalogue(snapshot), lake_files.in_files(snapshot)
    assert entries.summaries == contents.summaries
    assert records(entries) == {"2026-01-20": 9}


def test_x9_a_months_file_is_one_period_of_the_catalogue_and_read_day_by_day():
    count = save_loose(3, created=datetime(2025, 12, 30, tzinfo=UTC))
    save_loose(2, created=datetime(2025, 12, 31, tzinfo=UTC), first=count)
    merge.merge_period("scoring", MONTH)
    snapshot = taken()
    assert records(lake_files.in_catalogue(snapshot)) == {"2025-12": 5}
    assert records(lake_files.in_files(snapshot)) == {"2025-12-30": 3, "2025-12-31": 2}


def test_x9_what_was_saved_since_the_last_count_is_left_out_wherever_it_is_now():
    count = save_loose(3)
    published.count_published()
    save_loose(4, first=count)
    merge.merge_period("scoring", DAY)
    snapshot = lake_files.take("scoring")
    assert records(lake_files.in_catalogue(snapshot)) == {"2026-01-20": 3}
    merge_of_month = merge.merge_period("scoring", DAY.month_period)
    assert merge_of_month.records_out == 7
    snapshot = lake_files.take("scoring")
    assert records(lake_files.in_catalogue(snapshot)) == {"2026-01": 3}


def test_x9_a_file_that_is_gone_or_damaged_is_named_and_the_others_are_read():
    save_loose(3, 2)
    gone, damaged = LakeFile.objects.values_list("key", flat=True)
    buckets.campaign_data().delete(gone)
    snapshot = taken()
    assert gone in lake_files.in_files(snapshot).errors[DAY]
    with buckets.campaign_data().open(damaged) as source:
        buckets.campaign_data().put(damaged, source.read()[:-20])
    assert damaged in lake_files.in_files(snapshot).errors[DAY]
    assert records(lake_files.in_catalogue(snapshot)) == {"2026-01-20": 5}


def test_x9_a_file_that_was_archived_since_is_not_missing_but_looked_for_anew():
    save_loose(3, 2)
    snapshot = taken()
    archive.archive(merge.merge_period("scoring", DAY).pk)
    with pytest.raises(lake_files.Moved):
        lake_files.in_files(snapshot)


def test_x9_more_records_than_are_hashed_at_a_time_add_up(monkeypatch):
    monkeypatch.setattr(lake_files, "HASHED_AT_A_TIME", 2)
    save_loose(5)
    snapshot = taken()
    found = lake_files.in_files(snapshot)
    assert found.summaries == lake_files.in_catalogue(snapshot).summaries
