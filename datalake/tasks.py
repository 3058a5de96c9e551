"""Which stage follows which: a merge's archive is enqueued, and the scheduled merges run here.
[L-3, L-5]
"""

from __future__ import annotations

from django.utils import timezone
from django_q.tasks import async_task

from datalake import archive, merge
from datalake.models import Merge
from operations import alerts
from operations.choices import JobState
from operations.job_kinds import JobKind
from operations.models import Job
from operations.schedules import ScheduledRun
from operations.tasks import enqueue

JOB_KINDS = [
    JobKind(
        archive.JOB_KIND,
        "Archive merge",
        archive.run_archive,
        right="datalake.add_merge",
        can_pause=False,
    )
]


def enqueue_archives(merges: list[Merge]) -> None:
    """Wake workers for the archives that these merges asked for."""
    for each in merges:
        asked = Job.objects.about(archive.subject_of(each))
        for job in asked.filter(kind=archive.JOB_KIND, state=JobState.QUEUED):
            enqueue(job)


def ask_for_merges(*, monthly: bool) -> None:
    """Have a worker do now what is scheduled: a merge that is done, or being done, is not done
    again.
    """
    async_task(
        "datalake.tasks.merge_monthly" if monthly else "datalake.tasks.merge_daily",
        q_options={"save": False},
    )


def merge_daily() -> None:
    """Scheduled for 10:00 UTC."""
    _merge_past(monthly=False)


def merge_monthly() -> None:
    """Scheduled for day 2 at 09:00 UTC."""
    _merge_past(monthly=True)


def _merge_past(*, monthly: bool) -> None:
    merges, refusals = merge.merge_past(merge.enabled_types(), monthly=monthly, now=timezone.now())
    enqueue_archives(merges)
    for refusal in refusals:
        alerts.alert(f":warning: A merge was refused: {refusal}")


SCHEDULED_RUNS = [
    ScheduledRun("merge_daily", merge_daily, every="day", hour=10),
    ScheduledRun("merge_monthly", merge_monthly, every="month", day=2, hour=9),
]
