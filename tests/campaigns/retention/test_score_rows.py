"""The rows of score files go when their campaign is archived; what people are given stays. [O-10]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from campaigns.errors import NoReceipt, NotDrawn
from campaigns.fairness import drawn_files, reports
from campaigns.models import Campaign, FanScore, Registrant, RejectedRow, ScoreFile
from campaigns.receipts import receipt_of_fan
from campaigns.retention import score_rows
from campaigns.scoring import tables
from datalake.erased.fans import mark
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations.database.clock import database_time
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row

pytestmark = pytest.mark.django_db(transaction=True)


def archived(campaign: Campaign, days_ago: int = 0) -> None:
    at = database_time() - timedelta(days=days_ago)
    Campaign.objects.filter(pk=campaign.pk).update(status="archived", archived_at=at)


def test_o10_both_tables_of_a_file_go_and_its_counts_files_and_receipts_stay():
    rows = [score_row(1, global_user_id="ann"), score_row(2), score_row(3, raw_local_fanscore="x")]
    file = process_scores(make_campaign(), score_file_bytes(rows))
    other = process_scores(make_campaign())
    left = FanScore.objects.filter(score_file=other).count()
    receipt = receipt_of_fan(file.campaign, "ann")
    assert list(score_rows.old_score_rows(database_time())) == []
    archived(file.campaign, days_ago=9)
    assert list(score_rows.old_score_rows(database_time() - timedelta(days=10))) == []
    assert list(score_rows.old_score_rows(database_time())) == [3]
    assert list(score_rows.old_score_rows(database_time())) == []
    assert not any(tables.is_there(file.pk, of) for of in (tables.SCORES, tables.REJECTED))
    assert not RejectedRow.objects.filter(score_file=file).exists()
    assert FanScore.objects.count() == left > 0
    kept = ScoreFile.objects.get(pk=file.pk)
    assert (kept.rows_in, kept.accepted, kept.rejected) == (3, 2, 1)
    assert kept.rows_deleted_at is not None
    assert not Registrant.objects.exists()
    assert receipt_of_fan(kept.campaign, "ann") == receipt  # the roster has them still
    with pytest.raises(NoReceipt):
        receipt_of_fan(kept.campaign, "bob")
    with pytest.raises(NotDrawn, match="were deleted when its campaign was archived"):
        reports.open_job(kept, by=None)
    waiting = drawn_files.without("fairness", job_kind="k", subject_kind="s")
    assert waiting == [other]


def test_o10_who_reads_the_rows_is_waited_for_only_shortly_and_the_next_try_deletes(monkeypatch):
    file = process_scores(make_campaign())
    archived(file.campaign)
    monkeypatch.setattr(score_rows, "LOCK_TIMEOUT", "20ms")
    monkeypatch.setattr(score_rows, "TRIES", 2)
    reader = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM campaigns_fanscore")
        assert list(score_rows.old_score_rows(database_time())) == [0, 0]
    finally:
        reader.close()
    assert sum(score_rows.old_score_rows(database_time())) == file.rows_in


def test_x11_s8_an_erased_fan_of_an_archived_campaign_has_no_receipt():
    file = process_scores(make_campaign())
    archived(file.campaign)
    assert sum(score_rows.old_score_rows(database_time())) == file.rows_in
    assert receipt_of_fan(file.campaign, "fan-1")
    mark("fan-1")
    with pytest.raises(NoReceipt):
        receipt_of_fan(file.campaign, "fan-1")
    assert receipt_of_fan(file.campaign, "fan-2")
    buckets.scoring().delete(file.roster_key)
    with pytest.raises(NoSuchObject):
        receipt_of_fan(file.campaign, "fan-2")
