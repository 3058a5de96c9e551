"""Old jobs, alerts and results of tasks go, and what is not over stays. [O-10]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import Task

from operations.models import Alert, Chunk, Job
from operations.retention import old_rows

pytestmark = pytest.mark.django_db
NOW = timezone.now()
OLD, NEW = NOW - timedelta(days=9), NOW
BEFORE = NOW - timedelta(days=5)


def job(number: int, state: str, finished_at=OLD, **values) -> Job:
    about = {"kind": "k", "subject_kind": "s", "subject_id": str(number)}
    return Job.objects.create(
        **about, state=state, finished_at=finished_at, error="e" * (state == "failed"), **values
    )


def test_o10_a_finished_job_goes_with_its_parts_and_one_that_goes_on_stays(monkeypatch):
    monkeypatch.setattr(old_rows, "ROWS_AT_A_TIME", 2)
    gone = [job(number, state) for number, state in enumerate(("done", "failed", "cancelled"))]
    Chunk.objects.create(job=gone[0], number=1)
    kept = [
        job(4, "done", NEW),
        job(5, "failed", retry_at=NOW),
        job(6, "paused", None),
        job(7, "running", None),
        job(8, "queued", None),
    ]
    assert list(old_rows.old_jobs(BEFORE)) == [2, 1]
    assert set(Job.objects.all()) == set(kept)
    assert not Chunk.objects.exists()


def test_o10_alerts_go_when_slack_has_them_or_nobody_wants_them_any_more():
    for state in ("pending", "sent", "dropped"):
        for at in (OLD, NEW):
            alert = Alert.objects.create(text=f"{state} {at == NEW}", state=state)
            Alert.objects.filter(pk=alert.pk).update(created_at=at)
    assert sum(old_rows.old_alerts(BEFORE)) == 2
    left = set(Alert.objects.values_list("text", flat=True))
    assert left == {"pending False", "pending True", "sent True", "dropped True"}


def test_o10_results_of_tasks_go_whether_they_succeeded_or_not():
    for name, stopped, success in (("a", OLD, True), ("b", OLD, False), ("c", NEW, False)):
        Task.objects.create(
            id=name, name=name, func="f", started=stopped, stopped=stopped, success=success
        )
    assert sum(old_rows.old_tasks(BEFORE)) == 2
    assert Task.objects.get().id == "c"
