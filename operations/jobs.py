"""Opening, stopping and queueing jobs again. The rows are the truth; a task in the queue only names
the row to look at. Who works on a job holds its lease (leases.py). [O-1, O-6]
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from operations import alerts, correlation, job_kinds
from operations.choices import LIVE_JOBS, JobState
from operations.models import Job, StatusChange, SubjectQuerySet
from operations.subjects import Subject

MOST_DEATHS = 10  # a job that kills its worker again and again is set aside for a person


def open_job(
    kind: str,
    subject: Subject,
    *,
    by: User | None = None,
    arguments: dict[str, Any] | None = None,
) -> Job:
    """A new queued job, or the live one of the same kind, subject and arguments: asking twice is
    asking once. `arguments` are plain JSON and never hold personal data.
    """
    try:
        with transaction.atomic():
            return Job.objects.create(
                kind=kind,
                subject_kind=subject.kind,
                subject_id=subject.id,
                arguments=arguments or {},
                created_by=by,
                correlation_id=correlation.current() or correlation.new_id(),
            )
    except IntegrityError:
        live = _same_work(kind, subject, arguments).filter(state__in=LIVE_JOBS).first()
        # none: it ended at this very moment
        return live or open_job(kind, subject, by=by, arguments=arguments)


def open_or_requeue(
    kind: str,
    subject: Subject,
    *,
    by: User | None,
    arguments: dict[str, Any] | None = None,
) -> Job:
    """The job that does this work: the last one if it is paused or failed, queued again so that it
    continues where it stopped; otherwise the live one or a new one.
    """
    last = _same_work(kind, subject, arguments).order_by("-id").first()
    if last is not None and requeue(last.pk):
        last.refresh_from_db()
        return last
    return open_job(kind, subject, by=by, arguments=arguments)


def _same_work(
    kind: str, subject: Subject, arguments: dict[str, Any] | None
) -> SubjectQuerySet[Job]:
    return Job.objects.about(subject).filter(kind=kind, arguments=arguments or {})


def request_stop(job_id: int, how: str) -> bool:
    """Ask a live job to pause or cancel; one that does not run stops at once. False if it is over
    already.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, state__in=LIVE_JOBS).first()
        if job is None:
            return False
        if job.state == JobState.RUNNING:
            return bool(Job.objects.filter(pk=job_id).update(stop_requested=how))
        if how == "pause":
            return bool(Job.objects.filter(pk=job_id).update(state=JobState.PAUSED))
        job_kinds.shown_kind(job.kind).tidy(job)
        return bool(
            Job.objects.filter(pk=job_id).update(
                state=JobState.CANCELLED, finished_at=timezone.now()
            )
        )


def requeue(job_id: int) -> bool:
    """Queue a paused or failed job again; it continues where it stopped. False if it is in another
    state, or a newer one is live.
    """
    again = Job.objects.filter(pk=job_id, state__in=[JobState.PAUSED, JobState.FAILED])
    try:
        with transaction.atomic():
            return bool(
                again.update(state=JobState.QUEUED, stop_requested="", error="", finished_at=None)
            )
    except IntegrityError:
        return False


def give_up() -> int:
    """Fail jobs whose workers died MOST_DEATHS times: taking them over once more would kill the
    next. Returns how many.
    """
    now = timezone.now()
    hopeless = Job.objects.filter(
        state=JobState.RUNNING, lease_until__lt=now, attempt__gte=MOST_DEATHS
    )
    error = (
        f"The worker of this job crashed {MOST_DEATHS} times. Check the workers' log,"
        " then resume the job."
    )
    given_up = 0
    for job in hopeless.order_by("id"):
        with transaction.atomic():
            same = Job.objects.filter(
                pk=job.pk, attempt=job.attempt, state=JobState.RUNNING, lease_until__lt=now
            )
            if same.update(state=JobState.FAILED, error=error, finished_at=now, lease_until=None):
                alerts.alert_failed_job(Job.objects.get(pk=job.pk))
                given_up += 1
    return given_up


def without_worker() -> list[Job]:
    """Jobs that wait for a worker or whose worker is dead: a sweep enqueues them again."""
    now = timezone.now()
    lost = Q(state=JobState.RUNNING, lease_until__lt=now) | Q(
        state=JobState.QUEUED, created_at__lt=now - timedelta(seconds=15)
    )
    return list(Job.objects.filter(lost).order_by("id")[:500])


def record_move(
    subject: Subject, from_state: str, to_state: str, *, by: User | None, reason: str = ""
) -> None:
    """Write down a change of state: who, when, why. Call it in the transaction that makes the
    change. [W-2]
    """
    StatusChange.objects.create(
        subject_kind=subject.kind,
        subject_id=subject.id,
        from_state=from_state,
        to_state=to_state,
        by=by,
        reason=reason,
        correlation_id=correlation.current(),
    )
