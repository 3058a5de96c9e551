"""Opening, stopping and queueing jobs again. The rows are the truth; a task in the queue only names
the row to look at. Who works on a job holds its lease (leases.py). [O-1, O-6]
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from operations import alerts, correlation, job_kinds
from operations.choices import LIVE_JOBS, JobState
from operations.database.locks import waiting_at_most
from operations.errors import CannotStop, error_text
from operations.job_kinds import is_transient
from operations.models import Job, StatusChange, SubjectQuerySet
from operations.subjects import Subject

AT_A_TIME = 500
PATIENCE_SECONDS = 2.0
MOST_DEATHS = 10  # a job that kills its worker again and again is set aside for a person


def open_job(
    kind: str,
    subject: Subject,
    *,
    by: User | None = None,
    arguments: dict[str, Any] | None = None,
) -> Job:
    """A new queued job, or the live one of the same kind, subject and arguments: asking twice is
    asking once. An earlier one that failed is not tried again any more. `arguments` are plain JSON
    and never hold personal data.
    """
    try:
        with transaction.atomic():
            _drop_retries(_same_work(kind, subject, arguments))
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


def drop_retries(kind: str, subject: Subject) -> None:
    """What failed of this kind and subject stays failed until a person queues it again."""
    _drop_retries(Job.objects.about(subject).filter(kind=kind))


def _drop_retries(failed: QuerySet[Job]) -> None:
    failed.filter(retry_at__isnull=False).update(retry_at=None)


def request_stop(job_id: int, how: str) -> bool:
    """Ask a live job to pause or cancel; one that does not run stops at once. One that failed and
    is to be tried again can be cancelled. False if it is over already.

    Raises CannotStop for a kind that does not look for such a request, or a job that is beyond
    being cancelled, and HeldElsewhere where its worker hangs and holds its row: a page does not
    wait for that.
    """
    to_retry = Q(retry_at__isnull=False) if how == "cancel" else Q(pk__in=[])
    asked = Job.objects.filter(Q(state__in=LIVE_JOBS) | to_retry, pk=job_id)
    with transaction.atomic(), waiting_at_most(PATIENCE_SECONDS, f"Job {job_id}"):
        job = asked.select_for_update().first()
        if job is None:
            return False
        kind = job_kinds.shown_kind(job.kind)
        if job.state != JobState.FAILED and not kind.can_pause:
            raise CannotStop(f"A job of the kind '{kind.words}' cannot be paused or cancelled.")
        if how == "cancel" and (refusal := kind.cancel_refusal(job)):
            raise CannotStop(refusal)
        if job.state == JobState.RUNNING:
            return bool(Job.objects.filter(pk=job_id).update(stop_requested=how))
        if how == "pause":
            return bool(Job.objects.filter(pk=job_id).update(state=JobState.PAUSED))
        kind.tidy(job)
        return bool(
            Job.objects.filter(pk=job_id).update(
                state=JobState.CANCELLED, finished_at=Now(), retry_at=None
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
                again.update(
                    state=JobState.QUEUED,
                    stop_requested="",
                    error="",
                    finished_at=None,
                    retry_at=None,
                )
            )
    except IntegrityError:
        return False


def requeue_due() -> int:
    """Queue the failed jobs again whose pause is over. Returns how many."""
    due = list(Job.objects.filter(retry_at__lte=Now()).order_by("retry_at", "id")[:AT_A_TIME])
    busy = [job.pk for job in due if not requeue(job.pk)]  # a newer one does their work
    _drop_retries(Job.objects.filter(pk__in=busy))
    return len(due) - len(busy)


def standing_failures() -> QuerySet[Job]:
    """Failed jobs whose work no later job has done: what was made good is no failure any more."""
    names = ("kind", "subject_kind", "subject_id", "arguments")
    later = Job.objects.filter(
        pk__gt=OuterRef("pk"), state=JobState.DONE, **{name: OuterRef(name) for name in names}
    )
    return Job.objects.filter(~Exists(later), state=JobState.FAILED)


def give_up() -> int:
    """Fail jobs whose workers died MOST_DEATHS times, the last one now: taking them over once more
    would kill the next. Returns how many. An attempt that was paused, stopped for a deployment or
    failed killed nobody. Of a job that was given up they are counted anew when a person resumes it.
    """
    hopeless = Job.objects.filter(
        state=JobState.RUNNING, lease_until__lt=Now(), deaths__gte=MOST_DEATHS - 1
    ).order_by("id")
    error = (
        f"The worker of this job crashed {MOST_DEATHS} times. Check the workers' log,"
        " then resume the job."
    )
    given_up = 0
    for pk in hopeless.values_list("pk", flat=True):
        with transaction.atomic():
            # a row that is locked is looked at again in the next sweep
            job = hopeless.select_for_update(skip_locked=True).filter(pk=pk).first()
            if job is not None:
                job.state, job.error = JobState.FAILED, error
                Job.objects.filter(pk=pk).update(
                    state=job.state, error=error, finished_at=Now(), lease_until=None, deaths=0
                )
                job_kinds.shown_kind(job.kind).failed(job)
                alerts.alert_failed_job(job)
                given_up += 1
    return given_up


def report_outside(job_id: int, error: Exception) -> None:
    """The job's runner raised this. What it raised while it worked on the job stands in its row and
    has alerted; what came before that fails the job, unless it will pass, and what came after it
    alerts. [O-2]
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.state == JobState.QUEUED and not is_transient(error):
            Job.objects.filter(pk=job_id).update(
                state=JobState.FAILED, error=error_text(error), finished_at=Now()
            )
            job = Job.objects.get(pk=job_id)
            job_kinds.shown_kind(job.kind).failed(job)
            alerts.alert_failed_job(job)
        elif job.state == JobState.DONE:
            kind = job_kinds.shown_kind(job.kind).words
            page = f"/admin/operations/job/{job_id}/change/"
            alerts.alert_failure(f"What follows after {kind}", job.works_on, error, page=page)


def without_worker(*, only: Iterable[str] = (), without: Iterable[str] = ()) -> list[Job]:
    """Jobs that wait for a worker or whose worker is dead: a sweep enqueues them again. `only`
    these kinds, or those `without` these.
    """
    lost = Q(state=JobState.RUNNING, lease_until__lt=Now()) | Q(
        state=JobState.QUEUED, created_at__lt=Now() - timedelta(seconds=15)
    )
    asked = Job.objects.filter(kind__in=only) if only else Job.objects.exclude(kind__in=without)
    return list(asked.filter(lost).order_by("id")[:AT_A_TIME])


def record_move(
    subject: Subject,
    from_state: str,
    to_state: str,
    *,
    by: User | None,
    reason: str = "",
    cause: str = "",
) -> None:
    """Write down a change of state: who, when, why. `cause` is a word of the app's for what moved
    it, if no person chose to. Call it in the transaction that makes the change. [W-2]
    """
    StatusChange.objects.create(
        subject_kind=subject.kind,
        subject_id=subject.id,
        from_state=from_state,
        to_state=to_state,
        by=by,
        reason=reason,
        cause=cause,
        correlation_id=correlation.current(),
    )
