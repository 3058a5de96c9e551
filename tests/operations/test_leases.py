"""Claiming, progressing and ending jobs: only the current attempt writes. [O-1, O-4, O-6]"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from operations import jobs, leases
from operations.choices import JobState
from operations.errors import HeldElsewhere, JobBusy, JobStopped, LeaseLost, Refusal
from operations.models import Alert, Job
from operations.progress import Pace
from operations.subjects import Subject
from operations.threads import helper_thread
from tests.support.processes import Process
from tests.support.waiting import LIMIT_SECONDS, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def a_job(**values: object) -> Job:
    job = jobs.open_job("count_sheep", Subject("flock", "1"))
    Job.objects.filter(pk=job.pk).update(**values)
    return Job.objects.get(pk=job.pk)


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def in_a_thread(work, *arguments) -> list[object]:
    """What the work returned or raised, done over another connection."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work(*arguments))
        except Exception as error:  # noqa: BLE001 handed to the test
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results


def test_work_is_counted_before_it_is_done_and_ends_as_done():
    """[O-6]"""
    job = a_job()
    with leases.working(job.pk) as lease:
        running = again(job)
        assert (running.state, running.attempt, lease.attempt) == (JobState.RUNNING, 1, 1)
        assert running.lease_until > running.heartbeat_at >= running.started_at
        lease.update(rows_in=3, rows_out=2, rows_rejected=1)
    done = again(job)
    assert (done.state, done.attempt, done.lease_until, done.percent) == (
        JobState.DONE,
        1,
        None,
        100,
    )
    assert done.finished_at >= done.started_at


def test_a_ledger_that_does_not_add_up_fails_the_job():
    """[O-1]"""
    job = a_job()
    with pytest.raises(IntegrityError), leases.working(job.pk) as lease:
        lease.update(rows_in=3, rows_out=1, rows_rejected=1)
    failed = again(job)
    assert failed.state == JobState.FAILED
    assert "job_ledger" in failed.error


def test_a_fault_is_recorded_raised_and_sent_to_slack_without_what_the_database_quotes():
    """[O-2]"""
    job = a_job()
    fault = ValueError("duplicate key\nDETAIL: Key (email)=(ann@mail.example) already exists.")
    with pytest.raises(ValueError, match="duplicate key"), leases.working(job.pk):
        raise fault
    failed = again(job)
    assert (failed.state, failed.error) == (JobState.FAILED, "ValueError: duplicate key")
    (alert,) = Alert.objects.all()
    assert "Count sheep failed for flock 1: ValueError: duplicate key" in alert.text
    assert f"/job/{job.pk}/" in alert.text
    assert "ann@" not in alert.text


def test_a_refusal_speaks_for_itself():
    job = a_job()
    with pytest.raises(Refusal), leases.working(job.pk):
        raise Refusal("The gate is shut: open it.")
    assert again(job).error == "The gate is shut: open it."


@pytest.mark.parametrize(
    "state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.PAUSED]
)
def test_what_is_over_or_paused_cannot_be_claimed(state):
    job = a_job(state=state, error="so it is")
    with pytest.raises(JobBusy, match=state), leases.working(job.pk):
        pytest.fail("it was claimed")
    assert again(job).attempt == 0


def test_two_workers_never_have_one_job():
    """[O-6]"""
    job = a_job()

    def work() -> str:
        with leases.working(job.pk):
            return "got it"

    with leases.working(job.pk):
        (second,) = in_a_thread(work)
        assert isinstance(second, JobBusy)
    assert again(job).attempt == 1


def test_of_many_workers_at_once_one_gets_the_job():
    """[O-6]"""
    job, start, results = a_job(), threading.Barrier(8), []
    over = threading.Barrier(8)

    def work() -> None:
        start.wait(10)
        try:
            with leases.working(job.pk):
                results.append("got it")
        except JobBusy:
            results.append("busy")
        finally:
            over.wait(10)
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["busy"] * 7 + ["got it"]


def test_the_job_of_a_worker_that_is_gone_is_taken_over_at_once():
    """[O-6] Its lease still runs, but nobody holds its lock."""
    job = a_job(
        state=JobState.RUNNING, attempt=3, lease_until=timezone.now() + timedelta(seconds=40)
    )
    with leases.working(job.pk) as lease:
        assert lease.attempt == 4
    assert again(job).state == JobState.DONE


def test_the_job_of_a_worker_that_hangs_is_taken_over_when_its_lease_has_run_out():
    """[O-6] It lives and holds its lock; from then on it can write nothing."""
    job, taken_over = a_job(), []

    def take_over() -> int:
        with leases.working(job.pk) as lease:
            return lease.attempt

    def hang() -> None:
        with leases.working(job.pk) as hanging:
            Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
            taken_over.extend(in_a_thread(take_over))
            with pytest.raises(LeaseLost):
                hanging.update(progress=5)
            with pytest.raises(LeaseLost), transaction.atomic():
                hanging.hold()
            with pytest.raises(LeaseLost):
                hanging.check_stop()

    with pytest.raises(LeaseLost):
        hang()
    assert taken_over == [2]
    done = again(job)
    assert (done.state, done.attempt, done.progress) == (JobState.DONE, 2, 0)


def hang(job_id: int) -> None:
    """In a process of its own, which is stopped in the midst of a transaction."""
    with leases.working(job_id) as lease, transaction.atomic():
        lease.hold()
        point()


def point() -> None:
    """Where it is stopped."""


@pytest.mark.processes
def test_a_worker_that_hangs_in_a_transaction_holds_up_neither_take_over_nor_page(monkeypatch):
    """[O-6] It has locked the job's row, and its connection is alive."""
    monkeypatch.setattr(jobs, "PATIENCE_SECONDS", 0.02)
    job, here = a_job(), "tests.operations.test_leases:point"
    short = {"django.conf:settings.JOB_LEASE_SECONDS": 1}
    hanging = Process(hang, job.pk, stopped_at=here, constants=short)
    hanging.expect_stopped()
    with pytest.raises(HeldElsewhere):
        jobs.request_stop(job.pk, "pause")
    wait_until(lambda: jobs.without_worker() == [job], "the end of its lease")
    assert jobs.give_up() == 0
    with leases.working(job.pk) as lease:
        assert lease.attempt == 2
        assert jobs.request_stop(job.pk, "pause")
    hanging.wake()
    assert hanging.wait() == 1
    assert "operations.errors.LeaseLost" in hanging.errors
    assert (again(job).state, again(job).attempt) == (JobState.DONE, 2)


def test_a_machine_whose_clock_is_ahead_takes_nobodys_job(monkeypatch):
    """[O-6] Leases are the database's affair, and so are pauses before a retry."""
    job = a_job()
    jobs.open_job("count_sheep", Subject("flock", "2"))  # its worker is on the way
    ahead = timezone.now() + timedelta(minutes=2)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    monkeypatch.setattr(time, "time", ahead.timestamp)
    first = leases.claim(job.pk)
    Job.objects.filter(pk=job.pk).update(deaths=jobs.MOST_DEATHS)
    assert (jobs.without_worker(), jobs.give_up()) == ([], 0)
    with pytest.raises(JobBusy):
        leases.claim(job.pk)
    first.step("Counting sheep")
    running = again(job)
    assert running.lease_until < running.started_at + timedelta(minutes=1) < ahead
    assert running.pace["samples"][0][0] < ahead.timestamp() - 60
    leases.fail(first, ConnectionError("no answer"))
    assert again(job).retry_at < ahead - timedelta(minutes=1)
    assert jobs.requeue_due() == 0


def test_a_lease_is_kept_alive_while_the_work_is_in_a_long_transaction(monkeypatch):
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.05)
    job, beats = a_job(), []
    with leases.working(job.pk), transaction.atomic():
        Job.objects.filter(pk=job.pk + 1).update(progress=1)
        first = again(job).heartbeat_at
        while again(job).heartbeat_at == first:
            beats.append(1)
    assert again(job).state == JobState.DONE


def test_how_far_the_work_is_can_be_seen_while_it_is_in_one_long_transaction(monkeypatch):
    """[O-1] A page that watches stands at 0 % otherwise until everything is done."""
    monkeypatch.setattr(leases, "PROGRESS_SECONDS", 0.02)
    job, moved = a_job(), threading.Event()

    def seen_from_outside() -> tuple[int, int]:
        while again(job).progress == 0 and not moved.is_set():
            pass
        return again(job).progress, again(job).total

    with helper_thread("watcher") as watcher, leases.working(job.pk) as lease, transaction.atomic():
        watched = watcher.submit(seen_from_outside)
        lease.report_progress(3, 10)
        try:
            assert watched.result(LIMIT_SECONDS) == (3, 10)
        finally:
            moved.set()


def test_progress_reports_never_wait_for_the_work_that_holds_the_jobs_row(monkeypatch):
    monkeypatch.setattr(leases, "PROGRESS_SECONDS", 0.02)
    wrote, real, job = threading.Event(), leases._write_progress, a_job()

    def write(*arguments):
        real(*arguments)
        wrote.set()

    monkeypatch.setattr(leases, "_write_progress", write)
    with leases.working(job.pk) as lease, transaction.atomic():
        lease.hold()
        lease.report_progress(1, 2)
        assert wrote.wait(LIMIT_SECONDS)


def test_a_heartbeat_survives_the_loss_of_its_connection(monkeypatch, caplog):
    """[O-6] A server that is away for a moment is tried again."""
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.05)
    job, missed = a_job(), threading.Event()
    caplog.set_level(logging.WARNING, "operations.leases")
    real = leases._renew

    def renew(beating, lease):
        if not missed.is_set():
            missed.set()
            beating.connection.close()
        return real(beating, lease)

    monkeypatch.setattr(leases, "_renew", renew)
    with leases.working(job.pk):
        missed.wait(10)
        lost = again(job).heartbeat_at
        while again(job).heartbeat_at == lost:
            pass
    assert "heartbeat missed" in caplog.text
    assert again(job).state == JobState.DONE


def test_each_heartbeat_looks_how_far_the_work_is_and_the_last_few_looks_are_kept(monkeypatch):
    """[O-1] The speed is that of the last half minute."""
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.02)
    job, progress = a_job(), 0
    with leases.working(job.pk) as lease:
        lease.step("Counting sheep", rows=1_000)
        while len(samples := again(job).pace["samples"]) < 4 or samples[0][1] == 0:
            progress += 1
            lease.update(progress=progress)
    kept = Pace.from_json(again(job).pace)
    assert (kept.step, kept.rows, len(kept.samples)) == ("Counting sheep", 1_000, 4)
    assert sorted(kept.samples) == list(kept.samples)
    assert 0 < kept.samples[0][1] <= kept.samples[-1][1] <= progress


def test_a_new_step_and_a_new_attempt_measure_their_speed_from_where_they_begin():
    job, before = a_job(progress=40, pace={"samples": [[1.0, 0]]}), time.time()
    with leases.working(job.pk) as lease:
        assert [look[1] for look in again(job).pace["samples"]] == [40]
        lease.step("Shearing", first=50, rows=10, progress=50, total=60)
        sheared = again(job)
    assert (sheared.progress, sheared.total) == (50, 60)
    kept = Pace.from_json(sheared.pace)
    assert (kept.step, kept.first, kept.rows, kept.samples[0][1]) == ("Shearing", 50, 10, 50)
    assert before <= kept.samples[0][0] <= time.time()


def test_a_worker_that_was_taken_over_names_no_step():
    job = a_job()
    lease = leases.claim(job.pk)
    Job.objects.filter(pk=job.pk).update(attempt=2)
    with pytest.raises(LeaseLost):
        lease.step("Counting sheep")
    assert again(job).pace.get("step") == ""


def test_a_pause_is_obeyed_between_two_steps_and_the_job_continues_later():
    job = a_job()
    with leases.working(job.pk) as lease:
        assert jobs.request_stop(job.pk, "pause")
        lease.check_stop()
    assert again(job).state == JobState.PAUSED
    assert jobs.requeue(job.pk)
    with leases.working(job.pk) as lease:
        lease.check_stop()
    assert (again(job).state, again(job).attempt) == (JobState.DONE, 2)


def test_a_cancelled_job_is_over():
    job = a_job()
    with leases.working(job.pk) as lease:
        jobs.request_stop(job.pk, "cancel")
        with pytest.raises(JobStopped, match="cancel"):
            lease.check_stop()
        lease.check_stop()
    cancelled = again(job)
    assert cancelled.state == JobState.CANCELLED
    assert cancelled.finished_at
    assert not jobs.requeue(job.pk)
    assert not jobs.request_stop(job.pk, "cancel")


def test_an_interrupted_worker_leaves_the_job_to_whoever_comes_next():
    job = a_job()
    with pytest.raises(KeyboardInterrupt), leases.working(job.pk):
        raise KeyboardInterrupt
    assert (again(job).state, again(job).lease_until) == (JobState.QUEUED, None)
    assert not Alert.objects.exists()
