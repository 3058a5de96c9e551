"""Old rows are deleted and counted, in small transactions. [O-10]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from operations import jobs
from operations.choices import JobState
from operations.models import Job, Pruned
from operations.retention import kinds, prune
from waves.models import TakenReport
from waves.receipts import memory

pytestmark = pytest.mark.django_db(transaction=True)


def old(number: int, days: int = 500) -> None:
    at = timezone.now() - timedelta(days=days)
    TakenReport.objects.bulk_create(
        TakenReport(provider="p", reference=f"{days}-{each}", at=at) for each in range(number)
    )


def test_o10_what_is_old_is_deleted_and_counted_and_the_rest_stays():
    old(3)
    old(2, days=399)
    assert prune.run(prune.open_job().pk)["opt-out reports"] == 3
    assert TakenReport.objects.count() == 2
    assert Pruned.objects.get().deleted == 3
    old(1)
    prune.run(prune.open_job().pk)
    assert Pruned.objects.get().deleted == 4


def test_o10_a_job_that_is_stopped_has_counted_what_it_deleted_and_goes_on_later(monkeypatch):
    old(5)
    monkeypatch.setattr(memory, "REPORTS_AT_A_TIME", 2)
    job = prune.open_job()
    counted = prune._count

    def and_stop(kind: kinds.Kept, rows: int) -> None:
        counted(kind, rows)
        Job.objects.filter(pk=job.pk).update(stop_requested="pause")

    with monkeypatch.context() as stopping:
        stopping.setattr(prune, "_count", and_stop)
        prune.run(job.pk)
    assert (TakenReport.objects.count(), Pruned.objects.get().deleted) == (3, 2)
    assert Job.objects.get(pk=job.pk).state == JobState.PAUSED
    jobs.requeue(job.pk)
    prune.run(job.pk)
    assert (TakenReport.objects.count(), Pruned.objects.get().deleted) == (0, 5)
