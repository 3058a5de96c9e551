"""Which stage follows which: a merge's archive is enqueued, and the scheduled merges run here.
[L-3, L-5, X-9]
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from datalake import archive
from datalake.archive_queue import wake_ups
from datalake.dead_letters import runs as letter_runs
from datalake.dead_letters.found import Asked
from datalake.layout import Period
from datalake.merging import by_hand, scheduled
from datalake.parity import published, runs
from datalake.query import history
from datalake.query.models import LakeQuery
from operations.job_kinds import JobKind
from operations.models import Job
from operations.retention import prune
from operations.schedules import ScheduledRun
from operations.services import queues
from operations.services.queues import Received
from operations.services.troubles import Trouble
from operations.tasks import enqueue, run_job


def ask_for_merges(*, monthly: bool, by: User | None = None) -> None:
    """Have a worker do now what is scheduled: a merge that is done, or being done, is not done
    again.
    """
    enqueue(scheduled.open_job(monthly=monthly, by=by))


def run_merges(job_id: int) -> None:
    """Merge, then wake workers for the archives that these merges, or earlier ones, asked for:
    also where the merge of one period failed.
    """
    try:
        scheduled.run(job_id)
    finally:
        for job in archive.waiting_jobs():
            enqueue(job)


def ask_for_merge(record_type: str, period: Period, *, by: User) -> Job:
    """Have a worker merge one period now. Raises TypeNotEnabled."""
    job = by_hand.ask_for_merge(record_type, period, by=by)
    enqueue(job)
    return job


def run_merge(job_id: int) -> None:
    """Merge one period, then wake workers for its archives."""
    by_hand.run_merge(job_id)
    record_type, period = by_hand.named(Job.objects.get(pk=job_id).subject_id)
    if by_hand.waiting_merges(record_type, period):
        ask_for_archives(record_type, period)


def ask_for_archives(record_type: str, period: Period, *, by: User | None = None) -> list[Job]:
    """Have workers archive the originals of a period's merges now. Raises NotMerged."""
    opened = by_hand.ask_for_archives(record_type, period, by=by)
    for job in opened:
        enqueue(job)
    return opened


def ask_to_settle(kind: str, what: Asked | Sequence[int], *, by: User | None, reason: str) -> Job:
    """Have a worker replay dead letters, or settle them without that."""
    job = letter_runs.ask(kind, what, by=by, reason=reason)
    enqueue(job)
    return job


def merge_daily() -> None:
    """Scheduled for 10:00 UTC."""
    ask_for_merges(monthly=False)


def merge_monthly() -> None:
    """Scheduled for day 2 at 09:00 UTC."""
    ask_for_merges(monthly=True)


def consume_archive_queue(*, stop: threading.Event, once: bool = False) -> Received:
    """Do the archives that the queue on SQS names: with `once` until it is empty, else until `stop`
    is set. A queue or database that is away for a while is waited for, unless `once`.
    """
    return queues.serve(
        wake_ups.ArchiveQueue(),
        wake_ups.handle,
        run_job,
        trouble=Trouble("Archive queue", "archive", page="/admin/"),
        stop=stop,
        once=once,
    )


def mirror_catalogue() -> None:
    """Scheduled for each minute: Athena sees what was saved, merged or missed since. [L-4]"""
    if settings.GLUE_DATABASE:
        from datalake.mirror import glue_partitions  # boto3 is not loaded where there is no Glue

        glue_partitions.mirror()


def ask_for_parity(*, read_files: bool = False, by: User | None = None) -> None:
    """Have a worker compare database and lake now."""
    enqueue(runs.open_job(read_files=read_files, by=by))


def check_parity() -> None:
    """Scheduled for 11:00 UTC, after the merges."""
    ask_for_parity()


def count_published() -> None:
    """Scheduled each hour: what is counted may leave the streams."""
    published.count_published()


def ask_lake(sql: str, *, by: User) -> LakeQuery:
    """Have a worker run a query. Raises BadValue, QueryRefused."""
    query, job = history.open_query(sql, by=by)
    enqueue(job)
    return query


def never(job: Job, error: Exception) -> timedelta | None:
    """Who asked looks at the page, and asks again."""
    return None


def forget_query_answers() -> None:
    """Scheduled for every hour."""
    history.forget_answers(timezone.now())


def prune_daily() -> None:
    """Scheduled for 03:00 UTC: what is older than it is kept is deleted. [O-10]"""
    enqueue(prune.open_job())


JOB_KINDS = [
    JobKind(prune.JOB_KIND, "Delete old rows", prune.run, before_progress="Looking for old rows."),
    JobKind(
        runs.JOB_KIND,
        "Compare database and lake",
        runs.run,
        right="datalake.add_merge",
        before_progress="Counting what was published.",
    ),
    JobKind(
        history.JOB_KIND,
        "Query the lake",
        history.run,
        tidy=history.cancelled,
        failed=history.failed,
        page="lake-query",
        right="datalake.query_lake",
        before_progress="Planning the query.",
        retry=never,
    ),
    JobKind(
        scheduled.JOB_KIND,
        "Merge past periods",
        run_merges,
        right="datalake.add_merge",
        before_progress="Looking for past periods.",
    ),
    JobKind(
        by_hand.JOB_KIND,
        "Merge period",
        run_merge,
        page="lake-period",
        right="datalake.add_merge",
    ),
    JobKind(
        letter_runs.REPLAY,
        "Replay dead letters",
        letter_runs.run_replay,
        right="datalake.change_deadletter",
    ),
    JobKind(
        letter_runs.SETTLE,
        "Settle dead letters",
        letter_runs.run_settle,
        right="datalake.change_deadletter",
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
    ScheduledRun("prune_daily", prune_daily, every="day", hour=3),
    ScheduledRun("mirror_catalogue", mirror_catalogue, every="minute"),
    ScheduledRun("check_parity", check_parity, every="day", hour=11),
    ScheduledRun("count_published", count_published, every="hour"),
    ScheduledRun("merge_daily", merge_daily, every="day", hour=10),
    ScheduledRun("merge_monthly", merge_monthly, every="month", day=2, hour=9),
    ScheduledRun("forget_query_answers", forget_query_answers, every="hour"),
]
