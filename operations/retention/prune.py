"""Rows that are older than they are kept are deleted: in small transactions, each with its count,
so that it may be stopped or killed at any point and goes on another day. [O-10]
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from operations import jobs, leases
from operations.database.clock import database_time
from operations.leases import Lease
from operations.models import Job, Pruned
from operations.retention import kinds
from operations.retention.kinds import Kept
from operations.subjects import Subject

JOB_KIND = "prune"


def open_job() -> Job:
    return jobs.open_or_requeue(JOB_KIND, Subject("retention", "all"), by=None)


def run(job_id: int) -> dict[str, int]:
    """Delete what is old; how many rows of each kind. Raises JobStopped between two transactions,
    LeaseLost.
    """
    deleted: dict[str, int] = {}
    with leases.working(job_id) as lease:
        for kind in kinds.registered():
            deleted[kind.rows] = prune(kind, lease)
    return deleted


def prune(kind: Kept, lease: Lease) -> int:
    """Delete what is old of one kind, as a step of a job; how many rows. Raises as `run` does."""
    lease.report_progress(0, 0)
    lease.step(f"Deleting old {kind.rows}", progress=0, total=0)
    before = database_time() - timedelta(days=getattr(settings, kind.setting))
    total, some = 0, kind.delete_old(before)
    while True:
        lease.check_stop()
        with transaction.atomic():
            lease.hold()
            rows = next(some, None)
            if rows:
                _count(kind, rows)
        if rows is None:
            return total
        total += rows
        lease.report_progress(total, 0)


def _count(kind: Kept, rows: int) -> None:
    """Add to what was deleted of the kind this day, in UTC."""
    about: dict[str, Any] = {"rows": kind.rows, "day": timezone.now().date()}
    Pruned.objects.get_or_create(**about)
    Pruned.objects.filter(**about).update(deleted=F("deleted") + rows)
