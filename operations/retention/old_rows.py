"""Old jobs, alerts and results of the queue's tasks are deleted, a bounded number in each
transaction. The history of what was moved by whom stays. [O-10]
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from operations.retention.kinds import Kept, until_none

ROWS_AT_A_TIME: Final = 1_000
# One that waits for its next try, or is paused, is not over.
_JOBS = """
WITH old AS (
    SELECT id FROM operations_job
    WHERE finished_at < %(before)s AND state IN ('done', 'failed', 'cancelled') AND retry_at IS NULL
    ORDER BY finished_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
), parts AS (
    DELETE FROM operations_chunk WHERE job_id IN (SELECT id FROM old)
)
DELETE FROM operations_job WHERE id IN (SELECT id FROM old)
"""
_ALERTS = """
DELETE FROM operations_alert WHERE id IN (
    SELECT id FROM operations_alert WHERE created_at < %(before)s AND state <> 'pending'
    ORDER BY created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
"""
_TASKS = """
DELETE FROM django_q_task WHERE id IN (
    SELECT id FROM django_q_task WHERE stopped < %(before)s LIMIT %(most)s)
"""


def old_jobs(before: datetime) -> Iterator[int]:
    yield from until_none(_JOBS, most=ROWS_AT_A_TIME, before=before)


def old_alerts(before: datetime) -> Iterator[int]:
    """Not those that Slack has not taken yet."""
    yield from until_none(_ALERTS, most=ROWS_AT_A_TIME, before=before)


def old_tasks(before: datetime) -> Iterator[int]:
    """The queue keeps its last 100 that succeeded, and each one that failed."""
    yield from until_none(_TASKS, most=ROWS_AT_A_TIME, before=before)


KEPT: Final = (
    Kept("finished jobs", "RETENTION_JOB_DAYS", old_jobs),
    Kept("alerts", "RETENTION_ALERT_DAYS", old_alerts),
    Kept("results of the queue's tasks", "RETENTION_TASK_DAYS", old_tasks),
)
