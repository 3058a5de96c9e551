"""The kinds of jobs: what runs one, what cancelling it tidies, which page and right belong to it,
and what people call it. [O-1, O-6]

Each app declares its kinds as `JOB_KINDS` in its `tasks.py` and registers them in its
`AppConfig.ready`. Nothing else in the product keeps a list of kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import InterfaceError, OperationalError
from psycopg.errors import QueryCanceled

from operations.errors import Refusal, UnknownJobKind
from operations.models import Job

ADMINISTRATORS_RIGHT = "operations.change_job"
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)


def nothing_to_tidy(job: Job) -> None:
    """A kind whose cancelled or failed jobs leave nothing behind."""


def may_be_cancelled(job: Job) -> str:
    """A kind whose jobs can be cancelled at any time: nothing speaks against it."""
    return ""


def is_transient(error: Exception) -> bool:
    """Whether a bucket, a queue or the database was away: the same work may succeed later, though
    nobody changes anything. A statement that took longer than it may would take as long again.
    """
    if isinstance(error, Refusal):
        return error.is_transient
    if isinstance(error.__cause__, QueryCanceled):
        return False
    return isinstance(error, (OSError, OperationalError, InterfaceError))


def is_fault(error: Exception) -> bool:
    """Whether something broke or was away. A refusal stays one until somebody changes something."""
    if isinstance(error, Refusal):
        return error.is_transient or error.is_fault
    return True


def retry_what_is_transient(job: Job, error: Exception) -> timedelta | None:
    """How long a failed job waits until it is queued again; None where a person has to do that.
    The pause doubles each time, and no number of retries is the last. [O-6]
    """
    if not is_transient(error):
        return None
    return min(FIRST_PAUSE * 2 ** min(job.retries, 10), LONGEST_PAUSE)


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    `name` is what `Job.kind` holds; `words` is what people call it. `run` takes the number of a job
    and does it. `tidy` is called with a job that is cancelled while it waits or is paused, in the
    transaction that cancels it; a running job tidies up itself. `failed` is called with a job that
    failed, whatever the cause, in the transaction that fails it. `page` is the name of the page
    that shows the subject and takes `Job.subject_id`; without one the job's own page is shown.
    `right` is the permission for what the job does; pausing, cancelling and resuming it needs the
    same, or one of `or_rights`. A kind that `can_pause` calls `Lease.check_stop` between its steps;
    one that cannot has no button, and to stop it is refused. `cancel_refusal` says why a job of a
    kind that can pause cannot be cancelled any more: what it did is committed. `before_progress` is
    shown while a running job has not reported progress. `retry` says after which pause a job that
    failed with an error is queued again without a person. `outranks` is true for the work of due
    waves, which has reserved workers.
    """

    name: str
    words: str
    run: Callable[[int], object]
    tidy: Callable[[Job], object] = nothing_to_tidy
    failed: Callable[[Job], object] = nothing_to_tidy
    page: str = ""
    right: str = ADMINISTRATORS_RIGHT
    or_rights: tuple[str, ...] = ()
    can_pause: bool = True
    cancel_refusal: Callable[[Job], str] = may_be_cancelled
    before_progress: str = "Starting."
    retry: Callable[[Job, Exception], timedelta | None] = retry_what_is_transient
    outranks: bool = False


_KINDS: dict[str, JobKind] = {}


def register(kinds: Iterable[JobKind]) -> None:
    """Add an app's kinds. Raises ValueError for a name that is registered already."""
    for kind in kinds:
        if kind.name in _KINDS:
            raise ValueError(f"The kind of job {kind.name!r} is registered twice.")
        _KINDS[kind.name] = kind


def registered() -> list[JobKind]:
    """All kinds, by name."""
    return sorted(_KINDS.values(), key=lambda kind: kind.name)


def kind_named(name: str) -> JobKind:
    """Raises UnknownJobKind."""
    if name not in _KINDS:
        raise UnknownJobKind(
            f"{name!r} is not a kind of job. The kinds are: {', '.join(sorted(_KINDS))}."
        )
    return _KINDS[name]


def shown_kind(name: str) -> JobKind:
    """The kind, for a page or a list: old rows may have a kind that is no longer registered. Such a
    one has words, but cannot be run.
    """
    return _KINDS.get(name) or JobKind(
        name, name.replace("_", " ").capitalize(), run=lambda job_id: kind_named(name)
    )
