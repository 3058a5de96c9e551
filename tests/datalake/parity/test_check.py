from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection

from datalake import archive, save
from datalake.errors import ParityBusy, UnknownRecordType
from datalake.layout import Period
from datalake.merging import merge
from datalake.models import LakeFile, ParityResult, PublishedDay
from datalake.parity import check, lake_files
from datalake.storage import buckets
from operations.database.locks import exclusive
from tests.datalake.lake_cases import DAY, save_loose
from tests.support.lake import publish_registrations, publish_scores

pytestmark = pytest.mark.django_db


def results():
    rows = ParityResult.objects.order_by("record_type", "period")
    return [(row.record_type, row.period, row.ok, row.database_records) for row in rows]


def test_x9_database_and_lake_are_equal_through_merge_archive_and_late_files():
    publish_registrations(1, 2, key="a")
    save.save("input")
    count = save_loose(3, 2)
    archive.archive(merge.merge_period("scoring", DAY).pk)
    save_loose(4, first=count)
    for read_files in (False, True):
        found = check.check(read_files=read_files)
        assert found.ok
        assert results() == [
            ("registration", "2026-01-20", True, 2),
            ("scoring", "2026-01-20", True, 9),
        ]


def test_x9_a_record_that_the_lake_lost_is_found_whichever_way_it_was_lost():
    """A file's entry, or its content behind the entry's back, by reading it."""
    save_loose(3, 2)
    lost = LakeFile.objects.order_by("records").first()
    whole = LakeFile.objects.order_by("records").last()
    with buckets.campaign_data().open(lost.key) as source:
        content = source.read()
    buckets.campaign_data().put(whole.key, content)
    assert check.check().ok
    assert not check.check(read_files=True).ok
    LakeFile.objects.filter(pk=lost.pk).delete()
    assert [(each.ok, each.lake.records) for each in check.check().partitions] == [(False, 3)]


def test_x9_results_of_days_give_way_to_that_of_their_month():
    first = save_loose(3, created=datetime(2025, 12, 30, tzinfo=UTC))
    save_loose(2, first=first, created=datetime(2025, 12, 31, tzinfo=UTC))
    check.check()
    assert [period for _, period, _, _ in results()] == ["2025-12-30", "2025-12-31"]
    merge.merge_period("scoring", Period(2025, 12))
    check.check()
    assert results() == [("scoring", "2025-12", True, 5)]


def test_x9_a_day_that_is_compared_alone_leaves_no_result_that_holds_no_more():
    first = save_loose(3)
    save_loose(2, first=first, created=datetime(2026, 1, 21, tzinfo=UTC))
    check.check()
    merge.merge_period("scoring", DAY.month_period)
    check.check(["scoring"], day=DAY)
    assert results() == [("scoring", "2026-01", True, 5)]
    LakeFile.objects.all().delete()
    PublishedDay.objects.all().delete()
    check.check(["scoring"], day=DAY)
    assert results() == []


def test_x9_one_day_is_compared_alone_and_the_results_of_others_stay():
    first = save_loose(3)
    save_loose(2, first=first, created=datetime(2026, 1, 21, tzinfo=UTC))
    check.check()
    before = dict(ParityResult.objects.values_list("period", "checked_at"))
    found = check.check(["scoring"], day=DAY)
    assert [str(each.period) for each in found.partitions] == ["2026-01-20"]
    after = dict(ParityResult.objects.values_list("period", "checked_at"))
    changed = {period for period in before if before[period] != after[period]}
    assert (changed, after.keys()) == ({"2026-01-20"}, before.keys())


def test_x9_what_the_lake_has_not_taken_yet_is_waiting_and_differs_nowhere():
    save_loose(3)
    publish_scores(2, first=3, key="later")
    found = check.check()
    assert (found.ok, found.waiting) == (True, 2)


def test_x9_files_that_move_while_they_are_read_are_looked_for_anew(monkeypatch):
    save_loose(3)
    real, moves = lake_files.in_files, [1, 2]

    def moving(*args):
        if moves:
            moves.pop()
            raise lake_files.Moved
        return real(*args)

    monkeypatch.setattr(lake_files, "in_files", moving)
    assert check.check(read_files=True).ok
    moves += [1, 2, 3]
    with pytest.raises(ParityBusy, match="scoring"):
        check.check(["scoring"], read_files=True)


def test_x9_two_checks_write_the_results_of_a_type_one_after_the_other():
    """The lock is held as long as the test's transaction."""
    check.check(["scoring"])
    with (
        closing(connection.copy()) as other,
        exclusive("parity:scoring", wait=False, using=other) as is_free,
    ):
        assert not is_free


def test_x9_a_type_that_is_on_no_stream_is_refused():
    with pytest.raises(UnknownRecordType, match="demand"):
        check.check(["demand"])


def test_x9_the_command_says_each_period_and_whether_all_are_equal(capsys):
    save_loose(3)
    call_command("parity", "--json", "--date", "2026-01-20T23:00:00Z", "--type", "scoring")
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said.pop("seconds") >= 0
    row = {"type": "scoring", "period": "2026-01-20", "database": 3, "lake": 3, "ok": True}
    counts = {"from_files": 0, "tombstones": 0}
    assert said == {"ok": True, "waiting": 0, "partitions": [row | counts]}
    LakeFile.objects.update(content_hash="0" * 64)
    call_command("parity", "--json", "--files")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["ok"] is True
    call_command("parity", "--json")
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["ok"], said["partitions"][0]["lake_hash"]) == (False, "0" * 64)
