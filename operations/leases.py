"""Working on a job: a worker claims it, keeps its lease, reports progress, and ends it. [O-1, O-6]

A worker claims a job by one conditional UPDATE that counts the attempt and takes a lease. A thread
renews the lease while the work runs, over a connection that holds the job's advisory lock:
PostgreSQL releases it the moment the worker dies, so the next worker need not wait for the lease to
run out. If the lock or the connection is lost while the worker lives, the lease decides, by the
database's clock alone. Every later write names the attempt, so a worker that was taken over can no
longer change anything. A worker that hangs in a transaction is not waited for: its sessions are
ended (database/sessions.py).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from operations import alerts, correlation, job_kinds
from operations.choices import JobState
from operations.database import locks, sessions
from operations.database.statements import first_row
from operations.errors import JobBusy, JobStopped, LeaseLost, Refusal, error_text
from operations.models import Job
from operations.progress import Pace

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0  # and at least four in the time of a lease
PROGRESS_SECONDS = 0.5  # a page looks each second
LOCK_SECONDS = 2.0
TOLD_AGAIN_AFTER = timedelta(days=1)  # a job that waits so long may need a person
ASK_AGAIN_SECONDS = 0.02
_NO_WAIT: dict[str, Any] = {"waits_for": "", "waits_since": None, "wait_told_at": None}


def length() -> timedelta:
    """Of a lease. With a sweep each 20 s a dead worker's job is taken over within 90 s. [O-6]"""
    return timedelta(seconds=settings.JOB_LEASE_SECONDS)


@dataclass(frozen=True)
class Lease:
    """The right of one attempt to work on one job."""

    job_id: int
    attempt: int
    reported: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def report_progress(self, progress: int, total: int) -> None:
        """Show how far the work is, also from inside a transaction that is not committed yet: the
        heartbeat writes it over its own connection.
        """
        self.reported.update(progress=progress, total=total)

    def step(self, name: str, *, first: int = 0, rows: int = 0, **values: Any) -> None:
        """Say what is done from now on, and write other values of the job with it. Raises
        LeaseLost.

        `rows` of the step, 0 if they are not counted; `first` is the job's progress before its
        first row.
        """
        progress = values.get("progress")
        if progress is None:
            progress = Job.objects.values_list("progress", flat=True).get(pk=self.job_id)
        begun = Pace(name, first, rows, samples=((_database_time(), progress),))
        self.update(pace=begun.as_json(), **values)

    def update(self, **values: Any) -> None:
        """Write to the job as this attempt. Raises LeaseLost when another attempt has taken
        over.
        """
        if not Job.objects.filter(
            pk=self.job_id, attempt=self.attempt, state=JobState.RUNNING
        ).update(**values):
            raise LeaseLost(f"job {self.job_id}: attempt {self.attempt} was taken over or stopped")

    def hold(self) -> None:
        """Inside a transaction: lock the job's row, so that what is committed is this attempt's
        work. Raises LeaseLost.
        """
        held = Job.objects.select_for_update().filter(
            pk=self.job_id, attempt=self.attempt, state=JobState.RUNNING
        )
        if not held.exists():
            raise LeaseLost(f"job {self.job_id}: attempt {self.attempt} was taken over or stopped")

    def check_stop(self) -> None:
        """Between two steps: obey a request to pause or cancel. Raises JobStopped,
        LeaseLost.
        """
        job = (
            Job.objects.filter(pk=self.job_id, attempt=self.attempt).only("stop_requested").first()
        )
        if job is None:
            raise LeaseLost(f"job {self.job_id}: attempt {self.attempt} was taken over")
        if job.stop_requested:
            raise JobStopped(job.stop_requested)


def claim(job_id: int, *, worker_is_dead: bool = False) -> Lease:
    """Take the job: counts the attempt, takes the lease. Raises JobBusy if another worker has it or
    it is over.

    `worker_is_dead`: the caller holds the job's advisory lock, so a lease that still runs is a dead
    worker's. Nobody's lock is waited for: where an attempt that lost its lease still holds the
    job's row, its sessions are ended.
    """
    left = Q(state=JobState.RUNNING)
    if not worker_is_dead:
        left &= Q(lease_until__lt=Now())
    free = Job.objects.filter(Q(state=JobState.QUEUED) | left, pk=job_id)
    deadline = time.monotonic() + LOCK_SECONDS
    while (lease := _claim_unless_locked(free)) is None:
        if not free.exists() or time.monotonic() > deadline:
            job = Job.objects.get(pk=job_id)
            raise JobBusy(
                f"Job {job_id} ({job}) is {job.state}. It is finished, or another worker is"
                " running it."
            )
        sessions.end_others(job_id)
        time.sleep(ASK_AGAIN_SECONDS)
    if lease.attempt > 1:
        sessions.end_others(job_id, but=lease.attempt)
    return lease


@transaction.atomic
def _claim_unless_locked(free: QuerySet[Job]) -> Lease | None:
    locked = free.select_for_update(skip_locked=True).annotate(database_now=Now())
    job = locked.first()
    if job is None:
        return None
    # what came before a pause says nothing about the speed now
    begun = Pace(samples=((job.database_now.timestamp(), job.progress),))
    Job.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING,
        attempt=F("attempt") + 1,
        deaths=job.deaths + (job.state == JobState.RUNNING),
        lease_until=Now() + length(),
        heartbeat_at=Now(),
        started_at=Coalesce("started_at", Now()),
        stop_requested="",
        error="",
        pace=begun.as_json(),
    )
    return Lease(job.pk, job.attempt + 1)


@contextmanager
def working(job_id: int) -> Iterator[Lease]:
    """Claim the job, keep its lease alive, and record how it ended. The one place that turns a
    crash into a failed job.

    Inside, call `finish` (or leave without: the job is then done with the counts it has). Refusals
    and faults are recorded and raised again; a stop request ends it as paused or cancelled; a lost
    lease writes nothing.
    """
    with _claimed(job_id) as lease:
        job = Job.objects.get(pk=job_id)
        try:
            with correlation.correlated(job.correlation_id):
                yield lease
                finish(lease)
        except JobStopped as stop:
            state = JobState.PAUSED if stop.how == "pause" else JobState.CANCELLED
            lease.update(
                state=state,
                finished_at=Now() if state == JobState.CANCELLED else None,
                lease_until=None,
            )
        except LeaseLost:
            logger.warning("lease lost", extra={"job": job_id, "attempt": lease.attempt})
            raise
        except Exception as error:
            if not connection.in_atomic_block:  # a caller's transaction is the caller's to end
                # a server that came back can still record it
                connection.close_if_unusable_or_obsolete()
            fail(lease, error)
            raise
        except BaseException:
            # Ctrl-C or SIGTERM: another worker may continue at once
            lease.update(state=JobState.QUEUED, lease_until=None)
            raise


@contextmanager
def _claimed(job_id: int) -> Iterator[Lease]:
    """The claim, and a thread that renews its lease over a connection of its own: the work's may be
    in a long transaction.
    """
    heartbeat = connections.create_connection(DEFAULT_DB_ALIAS)
    heartbeat.inc_thread_sharing()
    ended = threading.Event()
    thread: threading.Thread | None = None
    try:
        lease = claim(job_id, worker_is_dead=_lock_unless_at_work(heartbeat, job_id))
        # the heartbeat's session holds nothing that others need, and does not bear the name
        thread = threading.Thread(
            target=_keep_alive,
            args=(heartbeat, lease, ended),
            daemon=True,
            name=f"heartbeat-{job_id}",
        )
        thread.start()
        with sessions.of_attempt(job_id, lease.attempt):
            yield lease
    finally:
        ended.set()
        if thread:
            thread.join()
        heartbeat.close()  # the advisory lock goes with it


def _lock_unless_at_work(heartbeat: BaseDatabaseWrapper, job_id: int) -> bool:
    """Take the job's lock; False if its worker has it. While the job waits, its holder is about to
    begin or has just ended.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while not _lock(heartbeat, job_id):
        if (
            not Job.objects.filter(pk=job_id, state=JobState.QUEUED).exists()
            or time.monotonic() > deadline
        ):
            return False
        time.sleep(ASK_AGAIN_SECONDS)
    return True


def _lock(heartbeat: BaseDatabaseWrapper, job_id: int) -> bool:
    return locks.hold(f"job:{job_id}", using=heartbeat)


def _keep_alive(heartbeat: BaseDatabaseWrapper, lease: Lease, ended: threading.Event) -> None:
    """Renew the lease, and take the lock if it was lost or another's, until the work ends or is
    taken over; between the beats, write down how far the work says it is. A server that is away for
    a moment is tried again.
    """
    between = min(HEARTBEAT_SECONDS, settings.JOB_LEASE_SECONDS / 4)
    renew_at, progress = time.monotonic() + between, dict[str, int]()
    while not ended.wait(min(PROGRESS_SECONDS, between)):
        try:
            if progress != lease.reported:
                progress = dict(lease.reported)
                _write_progress(heartbeat, lease, progress)
            if time.monotonic() < renew_at:
                continue
            if _renew(heartbeat, lease):
                renew_at = time.monotonic() + between
                _lock(heartbeat, lease.job_id)  # taking it twice on one connection is harmless
            elif not _is_ours(heartbeat, lease):
                return
        except (OperationalError, InterfaceError) as error:
            logger.warning(
                "heartbeat missed", extra={"job": lease.job_id, "error": type(error).__name__}
            )
            heartbeat.close()


def _write_progress(heartbeat: BaseDatabaseWrapper, lease: Lease, progress: dict[str, int]) -> None:
    """Never waits: work that holds the job's row is about to write its own progress."""
    with heartbeat.cursor() as cursor:
        cursor.execute(
            """UPDATE operations_job SET progress = %s, total = %s WHERE id = (
                   SELECT id FROM operations_job WHERE id = %s AND attempt = %s
                       AND state = %s FOR UPDATE SKIP LOCKED)""",
            [
                progress["progress"],
                progress["total"],
                lease.job_id,
                lease.attempt,
                JobState.RUNNING.value,
            ],
        )


def _renew(heartbeat: BaseDatabaseWrapper, lease: Lease) -> bool:
    """Renew the lease, and keep the progress of now: the last few samples give the speed. False if
    the job was taken over, or the work holds its row at the moment.
    """
    values: list[Any] = [length(), lease.job_id, lease.attempt, JobState.RUNNING.value]
    with heartbeat.cursor() as cursor:
        cursor.execute(
            """UPDATE operations_job SET
                   lease_until = clock_timestamp() + %s, heartbeat_at = clock_timestamp(),
                   pace = jsonb_set(pace, '{samples}', jsonb_path_query_array(
                       coalesce(pace->'samples', '[]') || jsonb_build_array(jsonb_build_array(
                           extract(epoch FROM clock_timestamp())::float8, progress)),
                       '$[last - 3 to last]'))
               WHERE id = (
                   SELECT id FROM operations_job WHERE id = %s AND attempt = %s
                       AND state = %s FOR UPDATE SKIP LOCKED)""",
            values,
        )
        return bool(cursor.rowcount)


def _is_ours(heartbeat: BaseDatabaseWrapper, lease: Lease) -> bool:
    with heartbeat.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM operations_job WHERE id = %s AND attempt = %s AND state = %s",
            [lease.job_id, lease.attempt, JobState.RUNNING.value],
        )
        return cursor.fetchone() is not None


def _database_time() -> float:
    (now,) = first_row("SELECT extract(epoch FROM clock_timestamp())::float8") or (0.0,)
    return float(now)


def finish(lease: Lease, **counts: int) -> None:
    """The job is done; the ledger CHECK judges its counts. Does nothing if it was finished inside
    already.
    """
    done = Job.objects.filter(pk=lease.job_id, attempt=lease.attempt, state=JobState.DONE)
    if not done.exists():
        ended = {"finished_at": Now(), "lease_until": None} | _NO_WAIT
        lease.update(state=JobState.DONE, **ended, **counts)


def fail(lease: Lease, error: Exception) -> None:
    """The job failed with this error, and an alert for Slack is queued. What is transient is tried
    again later; where it only waits, that is told once and each day again. Raises LeaseLost.
    [O-2, O-6]
    """
    job = Job.objects.annotate(database_now=Now()).get(pk=lease.job_id)
    kind = job_kinds.shown_kind(job.kind)
    pause = kind.retry(job, error)
    waits = pause is not None and isinstance(error, Refusal) and error.is_wait
    wait = _wait(job, error_text(error)) if waits else _NO_WAIT
    with transaction.atomic():
        lease.update(
            state=JobState.FAILED,
            error=error_text(error),
            finished_at=Now(),
            lease_until=None,
            retry_at=None if pause is None else Now() + pause,
            retries=job.retries + (pause is not None),
            **wait,
        )
        job.refresh_from_db()
        kind.failed(job)
        if not waits:
            alerts.alert_failed_job(job)
        elif wait:
            alerts.alert_waiting_job(job)


def _wait(job: Any, said: str) -> dict[str, Any]:
    """What is to be written of a job that waits, and told: nothing, where that was done of the same
    wait in the last day.
    """
    if job.waits_for != said:
        return {"waits_for": said, "waits_since": Now(), "wait_told_at": Now()}
    if job.wait_told_at <= job.database_now - TOLD_AGAIN_AFTER:
        return {"wait_told_at": Now()}
    return {}
