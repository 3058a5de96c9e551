"""What the sweeper does not do: feed a job that kills its workers, or fill a queue that nobody
hears. [O-6]
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

from operations import alerts, job_kinds, jobs, leases, schedules, tasks
from operations.choices import JobState
from operations.errors import Refusal
from operations.job_kinds import JobKind
from operations.models import Alert, Job
from operations.schedules import ScheduledRun
from operations.services import troubles
from operations.services.heartbeats import STUCK_SECONDS, Stop
from operations.subjects import Subject

pytestmark = pytest.mark.django_db(transaction=True)


def left_behind(attempt: int) -> Job:
    """A job whose worker of this attempt is dead."""
    job = jobs.open_job("count_sheep", Subject("flock", "1"))
    past = timezone.now() - timedelta(minutes=2)
    Job.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING, attempt=attempt, deaths=attempt - 1, lease_until=past
    )
    return job


def test_a_job_that_kills_its_worker_again_and_again_is_set_aside_with_an_alert(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "async_task", lambda *_, **__: enqueued.append(1))
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
    monkeypatch.setattr(tasks, "async_task", lambda *_, **__: enqueued.append(1))
    left_behind(jobs.MOST_DEATHS - 1)
    assert tasks.sweep() == len(enqueued) == 1


def test_a_job_that_is_long_but_alive_is_left_alone():
    job = left_behind(jobs.MOST_DEATHS)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
    assert jobs.give_up() == 0


def test_nothing_more_is_enqueued_into_a_queue_that_nobody_hears(monkeypatch):
    enqueued = []
    monkeypatch.setattr(tasks, "async_task", lambda *_, **__: enqueued.append(1))
    monkeypatch.setattr(tasks, "queue_size", lambda broker: tasks.FULL_QUEUE)
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


def outranking(monkeypatch, run=count_sheep) -> None:
    for kind in (
        JobKind("count_sheep", "Count sheep", run),
        JobKind("fly", "Fly", run, outranks=True),
    ):
        monkeypatch.setitem(job_kinds._KINDS, kind.name, kind)


def queues_of(monkeypatch) -> list[tuple[int, str]]:
    put: list[tuple[int, str]] = []
    monkeypatch.setattr(
        tasks, "async_task", lambda _, job_id, q_options: put.append((job_id, q_options["cluster"]))
    )
    return put


def test_o2_the_work_of_a_due_wave_is_put_before_reserved_workers_too(monkeypatch):
    """[O-2]"""
    outranking(monkeypatch)
    put = queues_of(monkeypatch)
    sheep, wave = (jobs.open_job(kind, Subject("flock", "1")) for kind in ("count_sheep", "fly"))
    for job in (sheep, wave):
        tasks.enqueue(job)
    assert put == [(sheep.pk, "fairwave"), (wave.pk, "waves"), (wave.pk, "fairwave")]


def test_o2_however_many_imports_wait_a_sweep_finds_the_waves_job(monkeypatch):
    """[O-2] Also where the general queue is full of them."""
    outranking(monkeypatch)
    put = queues_of(monkeypatch)
    monkeypatch.setattr(
        tasks, "queue_size", lambda broker: tasks.FULL_QUEUE if broker.list_key != "waves" else 0
    )
    Job.objects.bulk_create(
        Job(kind="count_sheep", subject_kind="flock", subject_id=str(number))
        for number in range(501)
    )
    wave = jobs.open_job("fly", Subject("wave", "1"))
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert tasks.sweep_jobs() == 1
    assert put == [(wave.pk, "waves")]


def test_o2_reserved_workers_look_at_a_queue_of_their_own(settings):
    assert settings.Q_CLUSTER["ALT_CLUSTERS"]["waves"]["workers"] == settings.WAVE_WORKERS
    assert settings.Q_CLUSTER["name"] == "fairwave"
    kinds = {kind.name for kind in job_kinds.registered() if kind.outranks}
    assert kinds == {"send_wave", "deliver_email"}


def test_o2_a_job_that_fails_before_it_begins_is_a_failed_job_with_an_alert(monkeypatch):
    """[O-2] It would otherwise wait, and be woken for, without end."""

    def broken(job_id: int) -> None:
        raise KeyError("a subject that is gone")

    outranking(monkeypatch, broken)
    job = a_job()
    with pytest.raises(KeyError):
        tasks.run_job(job.pk)
    assert again(job).state == JobState.FAILED
    assert "a subject that is gone" in Alert.objects.get().text


def test_a_job_that_could_not_begin_because_the_database_was_away_waits(monkeypatch):
    def away(job_id: int) -> None:
        raise OperationalError("away")

    outranking(monkeypatch, away)
    job = a_job()
    with pytest.raises(OperationalError):
        tasks.run_job(job.pk)
    assert again(job).state == JobState.QUEUED


def test_o2_what_fails_after_a_job_is_done_alerts(monkeypatch):
    def follows(job_id: int) -> None:
        count_sheep(job_id)
        raise KeyError("the next step")

    outranking(monkeypatch, follows)
    job = a_job()
    with pytest.raises(KeyError):
        tasks.run_job(job.pk)
    assert again(job).state == JobState.DONE
    assert Alert.objects.get().text.startswith(":red_circle: What follows after Count sheep failed")


def test_o2_a_failed_job_alerts_once(monkeypatch):
    outranking(monkeypatch, refuse)
    tasks.run_job(a_job().pk)
    assert Alert.objects.count() == 1


def test_o2_a_scheduled_run_that_fails_alerts_once_an_hour_and_comes_again(monkeypatch):
    """[O-2]"""

    def merge() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(
        schedules._RUNS, "look_for_sheep", ScheduledRun("look_for_sheep", merge, "day")
    )
    for _ in range(3):
        with pytest.raises(OSError, match="No space"):
            tasks.run_scheduled("look_for_sheep")
    text = Alert.objects.get().text
    assert text.startswith(
        ":red_circle: Scheduled run failed for look for sheep: OSError: [Errno 28]"
    )
    assert text.endswith("/admin/")
    Alert.objects.update(created_at=timezone.now() - timedelta(hours=1, seconds=1))
    with pytest.raises(OSError, match="No space"):
        tasks.run_scheduled("look_for_sheep")
    assert Alert.objects.count() == 2


def sweeping(monkeypatch, **parts) -> None:
    """Sweep until a part sets `stop`."""
    stop = parts.pop("stop")
    monkeypatch.setattr(tasks, "SWEEP_SECONDS", 0.001)
    monkeypatch.setattr(troubles, "FIRST_PAUSE", 0.0)
    for name, part in parts.items():
        monkeypatch.setattr(tasks, name, part)
    tasks.keep_sweeping(stop, {"waves": lambda: None})


def test_o2_one_part_of_the_sweep_that_fails_ends_no_other_and_alerts(monkeypatch):
    """[O-2]"""
    stop, delivered = Stop(), []

    def deliver() -> int:
        delivered.append(1)
        if len(delivered) == 3:
            stop.set()
        return 0

    monkeypatch.setattr(alerts, "deliver", deliver)
    sweeping(monkeypatch, stop=stop, sweep_jobs=lambda: 1 / 0)
    assert len(delivered) == 3
    assert Alert.objects.get().text.startswith(
        ":red_circle: Scheduler failed for jobs: ZeroDivision"
    )


def test_o2_the_watchdog_hears_of_the_scheduler_each_minute_unless_its_loop_is_stuck(monkeypatch):
    """[O-2]"""
    stop, pings = Stop(), []

    def ended() -> int:
        stop.set()
        return 0

    monkeypatch.setattr(tasks.watchdog, "ping", lambda: pings.append(1))
    for _ in range(2):
        stop.clear()
        sweeping(monkeypatch, stop=stop, sweep_jobs=ended)
        stop.asked_at -= STUCK_SECONDS
    assert len(pings) == 1
    assert tasks.EACH_MINUTE + tasks.SWEEP_SECONDS <= 70


def test_o6_a_queue_that_is_away_fails_nobody_and_the_job_waits_for_the_sweep(monkeypatch):
    def away(*_, **__):
        raise ConnectionError("no queue there")

    monkeypatch.setattr(tasks, "async_task", away)
    with transaction.atomic():
        job = jobs.open_job("count_sheep", Subject("flock", "1"))
        tasks.enqueue(job)
    assert Job.objects.get(pk=job.pk).state == JobState.QUEUED
