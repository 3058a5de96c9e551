"""Opening, stopping and queueing jobs again. [O-1]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from operations import job_kinds, jobs, leases, tasks
from operations.choices import JobState
from operations.errors import Refusal
from operations.instants import in_words
from operations.job_kinds import JobKind
from operations.models import Alert, Job
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


def unreachable(job: Job) -> Job:
    """The job after an attempt that found the bucket away."""
    with pytest.raises(ConnectionError), leases.working(job.pk):
        raise ConnectionError("no answer")
    return again(job)


def pause_is_over(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(retry_at=timezone.now() - timedelta(seconds=1))


def test_a_job_that_found_something_away_is_queued_again_after_a_pause():
    """[O-6] Each failure alerts all the same and says when the next try is. [O-2]"""
    job = unreachable(a_job())
    assert (job.state, job.retries) == (JobState.FAILED, 1)
    assert timedelta(seconds=20) < job.retry_at - timezone.now() <= timedelta(seconds=30)
    assert f"Retry at {job.retry_at:%H:%M} UTC" in Alert.objects.get().text
    assert jobs.requeue_due() == 0
    pause_is_over(job)
    assert jobs.requeue_due() == 1
    assert (again(job).state, again(job).retry_at, again(job).error) == (JobState.QUEUED, None, "")
    longer = unreachable(job)
    assert longer.retry_at - timezone.now() > timedelta(seconds=50)


class Later(Refusal):
    """Other work comes first."""

    is_transient = is_wait = True


def waits(job: Job, why: str) -> tuple[int, Job]:
    """How many alerts there are after an attempt that found other work at it."""
    Job.objects.filter(pk=job.pk).update(retry_at=None, state=JobState.QUEUED)
    with pytest.raises(Later), leases.working(job.pk):
        raise Later(why)
    return Alert.objects.count(), again(job)


def test_o2_a_job_that_waits_for_other_work_says_so_once_each_day_and_when_the_reason_changes():
    told, job = waits(a_job(), "The dog is at work.")
    begun = job.waits_since
    assert (told, job.shown_state, job.retries) == (1, "waiting", 1)
    assert Alert.objects.get().text.startswith(
        f":hourglass: Count sheep for flock 1 has been waiting since {in_words(begun)}. It"
        " continues automatically. The dog is at work.\n"
    )
    told, job = waits(job, "The dog is at work.")
    assert (told, job.waits_since, job.retries) == (1, begun, 2)
    long_ago = timezone.now() - timedelta(days=1)
    Job.objects.filter(pk=job.pk).update(wait_told_at=long_ago)
    assert waits(job, "The dog is at work.")[0] == 2
    told, job = waits(job, "The wolf is at work.")
    assert (told, job.waits_since > begun) == (3, True)
    assert waits(job, "The wolf is at work.")[0] == 3


def test_o2_a_fault_between_two_waits_alerts_and_so_does_the_wait_behind_it():
    _, job = waits(a_job(), "The dog is at work.")
    Job.objects.filter(pk=job.pk).update(retry_at=None, state=JobState.QUEUED)
    failed = unreachable(job)
    assert (failed.shown_state, failed.waits_for) == (JobState.FAILED, "")
    assert ":red_circle: Count sheep failed" in Alert.objects.latest("pk").text
    assert waits(job, "The dog is at work.")[0] == 3


def test_o2_the_same_wait_of_a_job_that_was_done_in_between_is_told_anew():
    _, job = waits(a_job(), "The dog is at work.")
    Job.objects.filter(pk=job.pk).update(retry_at=None, state=JobState.QUEUED)
    with leases.working(job.pk):
        pass
    assert waits(job, "The dog is at work.")[0] == 2


def test_a_refused_job_waits_for_a_person():
    job = a_job()
    with pytest.raises(Refusal), leases.working(job.pk):
        raise Refusal("no")
    assert (again(job).state, again(job).retry_at) == (JobState.FAILED, None)


def test_a_newer_job_of_the_same_work_takes_the_place_of_a_retry():
    job = unreachable(a_job())
    newer = a_job()
    assert newer != job
    assert again(job).retry_at is None
    Job.objects.filter(pk=job.pk).update(retry_at=timezone.now())
    assert jobs.requeue_due() == 0
    assert (again(job).state, again(job).retry_at) == (JobState.FAILED, None)


def test_a_person_can_cancel_what_would_be_tried_again_but_not_pause_it():
    job = unreachable(a_job())
    assert not jobs.request_stop(job.pk, "pause")
    assert jobs.request_stop(job.pk, "cancel")
    assert (again(job).state, again(job).retry_at) == (JobState.CANCELLED, None)
    failed = a_job(state=JobState.FAILED, error="no")
    assert not jobs.request_stop(failed.pk, "cancel")


def ends(job: Job, how: str) -> None:
    """An attempt of the job ends without killing its worker."""
    if how == "failed":
        unreachable(job)
        jobs.requeue(job.pk)
    elif how == "paused":
        with leases.working(job.pk) as lease:
            jobs.request_stop(job.pk, "pause")
            lease.check_stop()
        jobs.requeue(job.pk)
    else:  # as SIGTERM does, at each deployment
        with pytest.raises(KeyboardInterrupt), leases.working(job.pk):
            raise KeyboardInterrupt


def dies(job: Job) -> None:
    leases.claim(job.pk)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(minutes=2))


@pytest.mark.parametrize("how", ["failed", "paused", "stopped"])
def test_only_attempts_that_killed_their_worker_count_as_deaths(how, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_DEATHS", 3)
    job = a_job()
    for _ in range(2):
        dies(job)
        assert jobs.give_up() == 0
    leases.claim(job.pk)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, lease_until=None)
    for _ in range(4):
        ends(job, how)
    assert (again(job).deaths, jobs.give_up()) == (2, 0)
    dies(job)
    assert jobs.give_up() == 1
    assert (again(job).state, again(job).deaths) == (JobState.FAILED, 0)


def test_the_sweep_enqueues_what_is_to_be_tried_again_now(monkeypatch):
    enqueued: list[Job] = []
    monkeypatch.setattr(tasks, "_enqueue", lambda job, queues: enqueued.append(job))
    job = unreachable(a_job(created_at=timezone.now() - timedelta(minutes=1)))
    assert tasks.sweep() == 0
    pause_is_over(job)
    assert tasks.sweep() == 1
    assert enqueued == [job]
