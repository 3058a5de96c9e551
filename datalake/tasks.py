"""Which stage follows which: a merge's archive is enqueued, and the scheduled merges run here.
[L-3, L-5]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from datalake import archive, merge_runs
from operations.job_kinds import JobKind
from operations.schedules import ScheduledRun
from operations.tasks import enqueue


def ask_for_merges(*, monthly: bool, by: User | None = None) -> None:
    """Have a worker do now what is scheduled: a merge that is done, or being done, is not done
    again.
    """
    enqueue(merge_runs.open_job(monthly=monthly, by=by))


def run_merges(job_id: int) -> None:
    """Merge, then wake workers for the archives that these merges, or earlier ones, asked for:
    also where the merge of one period failed.
    """
    try:
        merge_runs.run(job_id)
    finally:
        for job in archive.waiting_jobs():
            enqueue(job)


def merge_daily() -> None:
    """Scheduled for 10:00 UTC."""
    ask_for_merges(monthly=False)


def merge_monthly() -> None:
    """Scheduled for day 2 at 09:00 UTC."""
    ask_for_merges(monthly=True)


JOB_KINDS = [
    JobKind(
        merge_runs.JOB_KIND,
        "Merge past periods",
        run_merges,
        right="datalake.add_merge",
        before_progress="Looking for past periods.",
    ),
    JobKind(
        archive.JOB_KIND,
        "Archive merge",
        archive.run_archive,
        right="datalake.add_merge",
        can_pause=False,
    ),
]
SCHEDULED_RUNS = [
    ScheduledRun("merge_daily", merge_daily, every="day", hour=10),
    ScheduledRun("merge_monthly", merge_monthly, every="month", day=2, hour=9),
]
