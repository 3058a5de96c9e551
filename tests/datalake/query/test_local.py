"""Queries of the lake's own engine, in their process: what they read, and where they end. [L-4,
L-8]
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datalake import archive
from datalake.errors import NoSuchObject, QueryRefused
from datalake.layout import Period
from datalake.merging import merge
from datalake.models import LakeFile
from datalake.query import local, tables
from datalake.query.process import Limits
from datalake.storage import buckets
from tests.datalake.lake_cases import DAY, save_loose

pytestmark = pytest.mark.django_db(transaction=True)
NEXT_NOON = datetime(2026, 1, 21, 12, tzinfo=UTC)
BY_DAY = "SELECT partition_date, count(*) AS n FROM scoring GROUP BY 1 ORDER BY 1"


def ask(sql, **changes):
    limits = {"seconds": 300, "rows": 1_000, "memory_bytes": 1 << 30} | changes
    return local.run(sql, within=Limits(**limits))


def test_each_record_is_found_once_in_loose_daily_and_monthly_files():
    """[L-4]"""
    save_loose(30, 20)
    merge.merge_period("scoring", DAY)
    save_loose(7, created=NEXT_NOON, first=100)
    merge.merge_period("scoring", Period(2026, 1))
    save_loose(5, first=200)  # late
    answer = ask(BY_DAY)
    assert answer.rows == [["2026-01-20", 55], ["2026-01-21", 7]]
    assert answer.columns == [("partition_date", "string"), ("n", "int64")]
    assert (answer.files, answer.cut) == (2, False)


def test_a_file_of_the_day_that_is_archived_before_it_is_opened_is_found_in_the_merged_one(
    monkeypatch,
):
    """A condition on the day reads only the files of that day. [L-4]"""
    save_loose(3, 4)
    save_loose(7, created=NEXT_NOON, first=100)
    look = tables.readable_parts

    def merged_meanwhile():
        parts = look()
        if len(parts) == 3:
            merge.merge_period("scoring", DAY)
            archive.run_archive(archive.waiting_jobs()[0].pk)
        return parts

    monkeypatch.setattr(tables, "readable_parts", merged_meanwhile)
    answer = ask("SELECT count(*) FROM scoring WHERE partition_date = '2026-01-20'")
    assert (answer.rows, answer.files) == ([[7]], 1)


def test_a_file_that_is_lost_is_named(monkeypatch):
    save_loose(3)
    key = LakeFile.objects.get().key
    monkeypatch.setattr(local, "_planned", lambda *arguments: {"scoring": {"2026-01-20"}})
    buckets.campaign_data().delete(key)
    with pytest.raises(NoSuchObject, match=key):
        ask(BY_DAY)


def test_a_query_ends_at_its_limit_of_memory():
    with pytest.raises(QueryRefused, match="more memory than the limit of 1,024 MiB"):
        ask("SELECT length(repeat('x', 2000000000))")


@pytest.mark.full
def test_a_query_ends_at_its_limit_of_time():
    """A cartesian product of more rows than there are atoms."""
    save_loose(100)
    product = ", ".join(f"scoring s{number}" for number in range(30))
    with pytest.raises(QueryRefused, match="took more than 1 seconds"):
        ask(f"SELECT count(*) FROM {product}", seconds=1)


def test_a_query_that_is_stopped_opens_no_further_file(monkeypatch):
    save_loose(1, 2)
    monkeypatch.setattr(local, "_planned", lambda *arguments: {"scoring": {"2026-01-20"}})
    opened: list[int] = []

    def check():
        if opened:
            raise Stopped

    with pytest.raises(Stopped):
        local.run(
            BY_DAY,
            within=Limits(300, 10, 1 << 30),
            check=check,
            on_file=lambda done, total: opened.append(done),
        )
    assert opened == [0]


class Stopped(Exception):
    pass
