"""When past days and months are merged next, and when they were last: each run is a job. [L-3]"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django_q.models import Schedule

from datalake.merging import scheduled
from operations.models import Job
from operations.schedules import OURS
from operations.subjects import Subject


@dataclass(frozen=True)
class Run:
    """A scheduled merge; `next_at` is None where it is switched off or not scheduled."""

    words: str
    next_at: datetime | None
    last: Job | None


RUNS: tuple[tuple[str, str, Subject], ...] = (
    ("Past days", "merge_daily", scheduled.DAYS),
    ("Past months", "merge_monthly", scheduled.MONTHS),
)


def runs() -> list[Run]:
    """Both, in few queries."""
    scheduled = {
        row.name: row.next_run if row.repeats else None
        for row in Schedule.objects.filter(name__in=[f"{OURS}{name}" for _, name, _ in RUNS])
    }
    return [
        Run(words, scheduled.get(f"{OURS}{name}"), _last(subject)) for words, name, subject in RUNS
    ]


def _last(subject: Subject) -> Job | None:
    return Job.objects.about(subject).filter(kind=scheduled.JOB_KIND).order_by("-id").first()
