"""Which stage follows which: a merge's archive is enqueued, and the scheduled merges run here.
[L-3, L-5, X-9]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from datalake import archive, merge_runs
from datalake.parity import published, runs
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


def check_parity() -> None:
    """Scheduled for 11:00 UTC, after the merges."""
    enqueue(runs.open_job())


def count_published() -> None:
    """Scheduled each hour: what is counted may leave the streams."""
    published.count_published()


JOB_KINDS = [
    JobKind(
        runs.JOB_KIND,
        "Compare database and lake",
        runs.run,
        right="datalake.add_merge",
        before_progress="Counting what was published.",
    ),
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
    ScheduledRun("check_parity", check_parity, every="day", hour=11),
    ScheduledRun("count_published", count_published, every="hour"),
    ScheduledRun("merge_daily", merge_daily, every="day", hour=10),
    ScheduledRun("merge_monthly", merge_monthly, every="month", day=2, hour=9),
]
