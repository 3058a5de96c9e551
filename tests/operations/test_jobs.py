"""Opening, stopping and queueing jobs again. [O-1]"""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from operations import job_kinds, jobs, leases
from operations.choices import JobState
from operations.job_kinds import JobKind
from operations.models import Job
from operations.subjects import Subject

pytestmark = pytest.mark.django_db(transaction=True)


def a_job(**values: object) -> Job:
    job = jobs.open_job("count_sheep", Subject("flock", "1"))
    Job.objects.filter(pk=job.pk).update(**values)
    return Job.objects.get(pk=job.pk)


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def count_sheep(job_id: int) -> None:
    with leases.working(job_id) as lease:
        lease.update(rows_in=1, rows_out=1)


def test_asking_twice_is_asking_once():
    assert a_job() == a_job()
    assert Job.objects.count() == 1


def test_a_job_that_is_over_makes_room_for_a_new_one():
    first = a_job(state=JobState.DONE)
    assert a_job() != first


def test_a_chunks_ledger_adds_up_too():
    job = a_job()
    with pytest.raises(IntegrityError, match="chunk_ledger"), transaction.atomic():
        job.chunks.create(number=0, state="done", rows_in=2, rows_out=1)


@pytest.mark.parametrize(
    ("how", "state"), [("pause", JobState.PAUSED), ("cancel", JobState.CANCELLED)]
)
def test_a_job_that_waits_stops_at_once(how, state, monkeypatch):
    put_in_order: list[Job] = []
    sheep = JobKind("count_sheep", "Count sheep", count_sheep, tidy=put_in_order.append)
    monkeypatch.setitem(job_kinds._KINDS, sheep.name, sheep)
    job = a_job()
    assert jobs.request_stop(job.pk, how)
    assert again(job).state == state
    assert put_in_order == ([job] if how == "cancel" else [])


def test_a_failed_job_is_not_run_again_beside_a_newer_one():
    failed = a_job(state=JobState.FAILED, error="no")
    a_job()
    assert not jobs.requeue(failed.pk)
    assert again(failed).state == JobState.FAILED


def test_what_was_written_down_about_a_move_is_never_altered():
    """[W-2]"""
    from operations.models import StatusChange

    jobs.record_move(Subject("wave", "1"), "a", "b", by=None, reason="because")
    with pytest.raises(IntegrityError, match="kept as it was written"), transaction.atomic():
        StatusChange.objects.update(reason="otherwise")
    with pytest.raises(IntegrityError, match="kept as it was written"), transaction.atomic():
        StatusChange.objects.all().delete()
