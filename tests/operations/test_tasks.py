"""What the sweeper does not do: feed a job that kills its workers, or fill a queue that nobody
hears. [O-6]
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from operations import job_kinds, jobs, leases, tasks
from operations.choices import JobState
from operations.errors import Refusal
from operations.job_kinds import JobKind
from operations.models import Alert, Job
from operations.subjects import Subject

pytestmark = pytest.mark.django_db(transaction=True)


def left_behind(attempt: int) -> Job:
    """A job whose worker of this attempt is dead."""
    job = jobs.open_job("count_sheep", Subject("flock", "1"))
    past = timezone.now() - timedelta(minutes=2)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, attempt=attempt, lease_until=past)
    return job


def test_a_job_that_kills_its_worker_again_and_again_is_set_aside_with_an_alert(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "enqueue", enqueued.append)
    job = left_behind(jobs.MOST_DEATHS)
    assert tasks.sweep() == 0
    job.refresh_from_db()
    assert (job.state, enqueued) == (JobState.FAILED, [])
    assert "crashed 10 times" in job.error
    assert Alert.objects.get().text.startswith(":red_circle: Count sheep failed for flock 1")


def test_a_person_can_let_such_a_job_run_again(monkeypatch):
    job = left_behind(jobs.MOST_DEATHS)
    jobs.give_up()
    assert jobs.requeue(job.pk)
    assert leases.claim(job.pk).attempt == jobs.MOST_DEATHS + 1


def test_a_job_whose_worker_died_less_often_is_enqueued_for(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "enqueue", enqueued.append)
    left_behind(jobs.MOST_DEATHS - 1)
    assert tasks.sweep() == len(enqueued) == 1


def test_a_job_that_is_long_but_alive_is_left_alone():
    job = left_behind(jobs.MOST_DEATHS)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
    assert jobs.give_up() == 0


def test_nothing_more_is_enqueued_into_a_queue_that_nobody_hears(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "enqueue", enqueued.append)
    monkeypatch.setattr(tasks, "queue_size", lambda: tasks.FULL_QUEUE)
    left_behind(1)
    assert (tasks.sweep(), enqueued) == (0, [])


def a_job(**values: object) -> Job:
    job = jobs.open_job("count_sheep", Subject("flock", "1"))
    Job.objects.filter(pk=job.pk).update(**values)
    return Job.objects.get(pk=job.pk)


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_a_sweep_enqueues_what_waits_and_what_a_dead_worker_left(monkeypatch):
    """[O-6] A task that was lost, and a worker that is dead; not what somebody works on."""
    enqueued = []
    monkeypatch.setattr(
        tasks, "async_task", lambda path, job_id, **options: enqueued.append(job_id)
    )
    now = timezone.now()
    waiting = Job.objects.create(kind="a", subject_id="1")
    left = Job.objects.create(
        kind="a", subject_id="2", state=JobState.RUNNING, lease_until=now - timedelta(seconds=1)
    )
    Job.objects.create(
        kind="a", subject_id="3", state=JobState.RUNNING, lease_until=now + timedelta(seconds=9)
    )
    Job.objects.create(kind="a", subject_id="4", state=JobState.PAUSED)
    Job.objects.create(kind="a", subject_id="5", state=JobState.FAILED, error="x")
    Job.objects.create(kind="a", subject_id="6")
    Job.objects.exclude(subject_id="6").update(created_at=now - timedelta(seconds=60))
    assert tasks.sweep() == 2
    assert enqueued == [waiting.pk, left.pk]


def test_a_dead_workers_job_is_enqueued_again_within_90_seconds():
    """[O-6]"""
    assert leases.length() + timedelta(seconds=tasks.SWEEP_SECONDS) < timedelta(seconds=90)
    assert leases.length().total_seconds() > 3 * leases.HEARTBEAT_SECONDS


def count_sheep(job_id: int) -> None:
    with leases.working(job_id) as lease:
        lease.update(rows_in=1, rows_out=1)


def refuse(job_id: int) -> None:
    with leases.working(job_id):
        raise Refusal("no")


def test_a_task_that_is_doubled_or_late_changes_nothing(monkeypatch):
    """[O-6]"""
    sheep = JobKind("count_sheep", "Count sheep", count_sheep)
    monkeypatch.setitem(job_kinds._KINDS, sheep.name, sheep)
    job = a_job()
    tasks.run_job(job.pk)
    tasks.run_job(job.pk)
    assert (again(job).state, again(job).attempt, again(job).rows_out) == (JobState.DONE, 1, 1)


def test_a_refused_task_ends_well_and_the_job_says_why(monkeypatch):
    sheep = JobKind("count_sheep", "Count sheep", refuse)
    monkeypatch.setitem(job_kinds._KINDS, sheep.name, sheep)
    job = a_job()
    tasks.run_job(job.pk)
    assert (again(job).state, again(job).error) == (JobState.FAILED, "no")


def test_a_job_opened_inside_a_transaction_is_enqueued_when_it_is_committed(monkeypatch):
    """[O-6] And not at all when it is rolled back."""
    enqueued = []
    monkeypatch.setattr(
        tasks, "async_task", lambda *arguments, **options: enqueued.append(arguments)
    )
    with transaction.atomic():
        job = a_job()
        tasks.enqueue(job)
        assert enqueued == []
    assert enqueued == [("operations.tasks.run_job", job.pk)]
    with transaction.atomic():
        tasks.enqueue(job)
        transaction.set_rollback(True)
    assert len(enqueued) == 1
