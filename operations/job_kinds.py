"""The kinds of jobs: what runs one, what cancelling it tidies, which page and right belong to it,
and what people call it. [O-1, O-6]

Each app declares its kinds as `JOB_KINDS` in its `tasks.py` and registers them in its
`AppConfig.ready`. Nothing else in the product keeps a list of kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from operations.errors import UnknownJobKind
from operations.models import Job

ADMINISTRATORS_RIGHT = "operations.change_job"


def nothing_to_tidy(job: Job) -> None:
    """A kind whose cancelled jobs leave nothing behind."""


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    `name` is what `Job.kind` holds; `words` is what people call it. `run` takes the number of a
    job and does it. `tidy` is called with a job that is cancelled while it waits or is paused, in
    the transaction that cancels it; a running job tidies up itself. `page` is the name of the
    page that shows the subject and takes `Job.subject_id`; without one the job's own page is shown.
    `right` is the permission for what the job does; pausing, cancelling and resuming it needs the
    same. A kind that `can_pause` calls `Lease.check_stop` between its steps; one that cannot has no
    button, and to stop it is refused. `before_progress` is shown while a running job has not
    reported progress.
    """

    name: str
    words: str
    run: Callable[[int], object]
    tidy: Callable[[Job], object] = nothing_to_tidy
    page: str = ""
    right: str = ADMINISTRATORS_RIGHT
    can_pause: bool = True
    before_progress: str = "Starting."


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
