from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datalake import tasks
from datalake.models import Merge
from datalake.storage import buckets
from operations.models import Alert
from tests.datalake.lake_cases import save_loose

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("task", "periods"),
    [(tasks.merge_daily, ["2025-12-30", "2025-12-31"]), (tasks.merge_monthly, ["2025-12"])],
)
def test_the_scheduled_merge_takes_what_is_past_and_enqueues_the_archives(
    monkeypatch, task, periods
):
    """[L-3, L-5]"""
    enqueued = []
    monkeypatch.setattr("datalake.tasks.enqueue", lambda job: enqueued.append(job.subject))
    count = save_loose(3, 3, created=datetime(2025, 12, 30, tzinfo=UTC))
    save_loose(3, created=datetime(2025, 12, 31, tzinfo=UTC), first=count)
    task()
    merges = Merge.objects.order_by("period")
    assert [each.period for each in merges] == periods
    assert enqueued == [("merge", str(each.pk)) for each in merges]


def test_a_refused_merge_raises_an_alert():
    """[L-3]"""
    buckets.campaign_data().put("avro/scoring/2025/12/31/junk.avro", b"junk")
    tasks.merge_daily()
    assert "junk.avro" in Alert.objects.get().text
    assert not Merge.objects.filter(state="merged").exists()
