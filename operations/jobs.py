"""Opening, claiming, progressing and ending jobs. Rows are the truth; a task in the queue only rings the bell. [O-1, O-6]

A worker claims a job by one conditional UPDATE that counts the attempt and takes a lease. A thread renews the lease while
the work runs. Every later write names the attempt, so a worker that was taken over can change nothing any more.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from operations import alerts, correlation
from operations.choices import LIVE_JOBS, JobState
from operations.errors import JobBusy, JobStopped, LeaseLost, Refusal
from operations.models import Job, StatusChange

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)  # and a sweep each 20 s: a dead worker's job is taken over within 90 s
HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True)
class Lease:
    """The right of one attempt to work on one job."""

    job_id: int
    attempt: int

    def update(self, **values: Any) -> None:
        """Write to the job as this attempt. Raises LeaseLost when another attempt has taken over."""
        if not Job.objects.filter(pk=self.job_id, attempt=self.attempt, state=JobState.RUNNING).update(**values):
            raise LeaseLost(f"job {self.job_id}: attempt {self.attempt} was taken over or stopped")

    def hold(self) -> None:
        """Inside a transaction: lock the job's row, so that what is committed is this attempt's work. Raises LeaseLost."""
        held = Job.objects.select_for_update().filter(pk=self.job_id, attempt=self.attempt, state=JobState.RUNNING)
        if not held.exists():
            raise LeaseLost(f"job {self.job_id}: attempt {self.attempt} was taken over or stopped")

    def check_stop(self) -> None:
        """Between two steps: obey a pause or cancel somebody asked for. Raises JobStopped, LeaseLost."""
        job = Job.objects.filter(pk=self.job_id, attempt=self.attempt).only("stop_requested").first()
        if job is None:
            raise LeaseLost(f"job {self.job_id}: attempt {self.attempt} was taken over")
        if job.stop_requested:
            raise JobStopped(job.stop_requested)


def open_job(kind: str, subject: str, *, by: User | None = None) -> Job:
    """A new queued job, or the live one of the same kind and subject: asking twice is asking once."""
    try:
        with transaction.atomic():
            return Job.objects.create(
                kind=kind, subject=subject, created_by=by, correlation_id=correlation.current() or correlation.new_id()
            )
    except IntegrityError:
        return Job.objects.get(kind=kind, subject=subject, state__in=LIVE_JOBS)


def claim(job_id: int) -> Lease:
    """Take the job: counts the attempt, takes the lease. Raises JobBusy if another worker has it or it is over."""
    now = timezone.now()
    free = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lt=now)
    claimed = Job.objects.filter(free, pk=job_id).update(
        state=JobState.RUNNING,
        attempt=F("attempt") + 1,
        lease_until=now + LEASE,
        heartbeat_at=now,
        stop_requested="",
        error="",
    )
    job = Job.objects.get(pk=job_id)
    if not claimed:
        raise JobBusy(f"Job {job_id} ({job}) is {job.state}: another worker has it, or it is over.")
    Job.objects.filter(pk=job_id, started_at=None).update(started_at=now)
    return Lease(job_id, job.attempt)


@contextmanager
def working(job_id: int) -> Iterator[Lease]:
    """Claim the job, keep its lease alive, and record how it ended. The one place that turns a crash into a failed job.

    Inside, call `finish` (or leave without: the job is then done with the counts it has). Refusals and faults are recorded
    and raised again; a stop request ends it as paused or cancelled; a lost lease writes nothing.
    """
    lease = claim(job_id)
    job = Job.objects.get(pk=job_id)
    ended = threading.Event()
    beat = threading.Thread(target=_keep_alive, args=(lease, ended), daemon=True, name=f"heartbeat-{job_id}")
    beat.start()
    try:
        with correlation.correlated(job.correlation_id):
            yield lease
            finish(lease)
    except JobStopped as stop:
        state = JobState.PAUSED if stop.how == "pause" else JobState.CANCELLED
        lease.update(state=state, finished_at=timezone.now() if state == JobState.CANCELLED else None, lease_until=None)
    except LeaseLost:
        logger.warning("lease lost", extra={"job": job_id, "attempt": lease.attempt})
        raise
    except Exception as error:
        fail(lease, error)
        raise
    except BaseException:  # Ctrl-C, or the process is told to end: whoever comes next may go on at once
        lease.update(state=JobState.QUEUED, lease_until=None)
        raise
    finally:
        ended.set()
        beat.join()


def _keep_alive(lease: Lease, ended: threading.Event) -> None:
    """Renew the lease until the work ends; on its own connection, because the work's may be in a long transaction."""
    try:
        while not ended.wait(HEARTBEAT_SECONDS):
            now = timezone.now()
            held = Job.objects.filter(pk=lease.job_id, attempt=lease.attempt, state=JobState.RUNNING)
            if not held.update(lease_until=now + LEASE, heartbeat_at=now):
                return
    finally:
        connection.close()


def finish(lease: Lease, **counts: int) -> None:
    """The job is done; the ledger CHECK judges its counts. Does nothing if it was finished inside already."""
    done = Job.objects.filter(pk=lease.job_id, attempt=lease.attempt, state=JobState.DONE)
    if not done.exists():
        lease.update(state=JobState.DONE, finished_at=timezone.now(), lease_until=None, **counts)


def fail(lease: Lease, error: Exception) -> None:
    """The job failed with this error; Slack hears of it within a minute. [O-2]"""
    text = str(error) if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
    lease.update(state=JobState.FAILED, error=text or type(error).__name__, finished_at=timezone.now(), lease_until=None)
    job = Job.objects.get(pk=lease.job_id)
    alerts.alert_failed_job(job)


def request_stop(job_id: int, how: str) -> bool:
    """Ask a live job to pause or cancel; a queued one stops at once. False if it is over already."""
    if Job.objects.filter(pk=job_id, state=JobState.RUNNING).update(stop_requested=how):
        return True
    at_once = JobState.PAUSED if how == "pause" else JobState.CANCELLED
    over = {"finished_at": timezone.now()} if how == "cancel" else {}
    return bool(Job.objects.filter(pk=job_id, state__in=[JobState.QUEUED, JobState.PAUSED]).update(state=at_once, **over))


def requeue(job_id: int) -> bool:
    """Let a paused or failed job run again from where it stands. False if it is in another state."""
    again = Job.objects.filter(pk=job_id, state__in=[JobState.PAUSED, JobState.FAILED])
    return bool(again.update(state=JobState.QUEUED, stop_requested="", error="", finished_at=None))


def abandoned() -> list[Job]:
    """Jobs that wait for a worker or whose worker is dead: what the sweeper rings the bell for again."""
    now = timezone.now()
    lost = Q(state=JobState.RUNNING, lease_until__lt=now) | Q(state=JobState.QUEUED, created_at__lt=now - timedelta(seconds=15))
    return list(Job.objects.filter(lost).order_by("id")[:500])


def record_move(subject: str, from_state: str, to_state: str, *, by: User | None, reason: str = "") -> None:
    """Write down a change of state: who, when, why. Call it in the transaction that makes the change. [W-2]"""
    StatusChange.objects.create(
        subject=subject,
        from_state=from_state,
        to_state=to_state,
        by=by,
        reason=reason,
        correlation_id=correlation.current(),
    )
