"""Queries as rows: asked, run by a job, and kept with who, when, the text, rows and seconds. The
rows of a result are kept for a day. [L-8, O-7]
"""

from __future__ import annotations

import json
import time
import zlib
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from datalake.choices import QueryState
from datalake.errors import QueryRefused
from datalake.query import local, remote
from datalake.query.local import Answer
from datalake.query.models import LakeQuery
from operations import jobs, leases
from operations.entry import values
from operations.errors import JobStopped, error_text
from operations.leases import Lease
from operations.models import Job
from operations.subjects import Subject

JOB_KIND: Final = "query_lake"
LONGEST_SQL: Final = 20_000  # characters
KEPT_FOR: Final = timedelta(hours=24)
OVER: Final = (QueryState.DONE, QueryState.REFUSED, QueryState.STOPPED)


def subject_of(query: LakeQuery) -> Subject:
    return Subject("lake_query", str(query.pk))


@transaction.atomic
def open_query(sql: str, *, by: User) -> tuple[LakeQuery, Job]:
    """Write down who asks what, and open the job that runs it. Raises BadValue for a text that
    cannot be kept, QueryRefused for an empty one.
    """
    text = values.text("SQL", sql, longest=LONGEST_SQL).strip()
    if not text:
        raise QueryRefused("Enter a query, such as SELECT count(*) FROM registration.")
    query = LakeQuery.objects.create(sql=text, by=by)
    return query, jobs.open_job(JOB_KIND, subject_of(query), by=by)


def query_of(job: Job) -> LakeQuery:
    return LakeQuery.objects.get(pk=int(job.subject_id))


def run(job_id: int) -> None:
    """Run the job's query and keep its answer. A query that is refused ends its job well: the row
    says why. What a worker left that died is run again from its beginning. Whatever else it raises
    fails the job, which ends the query, too.
    """
    query = query_of(Job.objects.get(pk=job_id))
    with leases.working(job_id) as lease:
        started = time.monotonic()
        _write(query, lease, state=QueryState.RUNNING, error="", answer=None, finished_at=None)
        try:
            answer = _answered(query, lease)
        except QueryRefused as refusal:
            _end(query, lease, started, QueryState.REFUSED, error=error_text(refusal))
            return
        except JobStopped as stop:
            state = QueryState.QUEUED if stop.how == "pause" else QueryState.STOPPED
            _end(query, lease, started, state)
            raise
        _end(query, lease, started, QueryState.DONE, **_kept(answer))


def _answered(query: LakeQuery, lease: Lease) -> Answer:
    within = local.limits()
    if remote.is_configured():
        return remote.run(query.sql, within=within, check=lease.check_stop)
    return local.run(
        query.sql,
        within=within,
        check=lease.check_stop,
        on_file=lease.report_progress,
    )


def _kept(answer: Answer) -> dict[str, Any]:
    return {
        "columns": answer.columns,
        "answer": zlib.compress(json.dumps(answer.rows).encode()),
        "rows": len(answer.rows),
        "cut": answer.cut,
        "files": answer.files,
        "bytes_read": answer.bytes,
    }


def _end(query: LakeQuery, lease: Lease, started: float, state: QueryState, **more: Any) -> None:
    seconds = round(time.monotonic() - started, 3)
    finished = timezone.now() if state in OVER else None
    _write(query, lease, state=state, seconds=seconds, finished_at=finished, **more)


@transaction.atomic
def _write(query: LakeQuery, lease: Lease, **changes: Any) -> None:
    """As long as the job is this attempt's. Raises LeaseLost."""
    lease.hold()
    LakeQuery.objects.filter(pk=query.pk).update(**changes)


def cancelled(job: Job) -> None:
    """A query whose job is cancelled before a worker took it."""
    LakeQuery.objects.filter(pk=int(job.subject_id)).update(
        state=QueryState.STOPPED, finished_at=timezone.now()
    )


def failed(job: Job) -> None:
    """A query whose job failed: by a fault, or because its workers were killed."""
    now = timezone.now()
    LakeQuery.objects.filter(pk=int(job.subject_id)).exclude(state__in=OVER).update(
        state=QueryState.REFUSED,
        error=job.error,
        seconds=round((now - (job.started_at or now)).total_seconds(), 3),
        finished_at=now,
    )


def rows_of(query: LakeQuery) -> list[list[Any]] | None:
    """The rows of its result; None if they are no longer kept, or there never were any."""
    if query.answer is None:
        return None
    rows: list[list[Any]] = json.loads(zlib.decompress(query.answer))
    return rows


def forget_answers(now: datetime) -> int:
    """Delete the results of queries older than KEPT_FOR; that they were asked stays. Returns how
    many went.
    """
    old = LakeQuery.objects.filter(answer__isnull=False, finished_at__lt=now - KEPT_FOR)
    return old.update(answer=None)
