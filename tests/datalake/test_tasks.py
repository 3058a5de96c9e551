from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datalake import tasks
from datalake.merging import scheduled
from datalake.models import Merge
from datalake.query import history
from operations.models import Job
from tests.datalake.lake_cases import put_bytes, save_loose

pytestmark = pytest.mark.django_db


@pytest.fixture
def enqueued(monkeypatch):
    jobs: list[Job] = []
    monkeypatch.setattr("datalake.tasks.enqueue", jobs.append)
    return jobs


@pytest.mark.parametrize(
    ("task", "periods"),
    [(tasks.merge_daily, ["2025-12-30", "2025-12-31"]), (tasks.merge_monthly, ["2025-12"])],
)
def test_the_scheduled_merge_is_a_job_that_takes_what_is_past_and_enqueues_the_archives(
    enqueued, task, periods
):
    """[L-3, L-5, O-1]"""
    count = save_loose(3, 3, created=datetime(2025, 12, 30, tzinfo=UTC))
    save_loose(3, created=datetime(2025, 12, 31, tzinfo=UTC), first=count)
    task()
    assert [job.kind for job in enqueued] == [scheduled.JOB_KIND]
    tasks.run_merges(enqueued.pop().pk)
    merges = Merge.objects.order_by("period")
    assert [each.period for each in merges] == periods
    assert [job.subject for job in enqueued] == [("merge", str(each.pk)) for each in merges]


def test_archives_are_enqueued_though_the_merge_of_another_period_failed(enqueued, monkeypatch):
    """[L-5]"""
    save_loose(3)
    put_bytes("theirs", b"junk", folder="avro/registration/2026/01/19")
    monkeypatch.setattr("datalake.adopt.adopt", lambda key: (_ for _ in ()).throw(OSError("away")))
    job = scheduled.open_job(monthly=False, by=None)
    with pytest.raises(OSError, match="away"):
        tasks.run_merges(job.pk)
    assert [each.subject for each in enqueued] == [("merge", str(Merge.objects.get().pk))]


def test_results_of_queries_are_deleted_by_a_scheduled_run(monkeypatch):
    """[L-8]"""
    asked = []
    monkeypatch.setattr(history, "forget_answers", asked.append)
    tasks.forget_query_answers()
    assert asked[0].tzinfo is not None
    assert "forget_query_answers" in [run.name for run in tasks.SCHEDULED_RUNS]


def test_a_query_whose_bucket_was_away_is_not_tried_again():
    """[L-8]"""
    kind = next(kind for kind in tasks.JOB_KINDS if kind.name == history.JOB_KIND)
    assert kind.retry(Job(), OSError("away")) is None
