"""PostgreSQL's sessions by the attempt that they work for. [O-6]

A worker that hangs, or whose machine is cut off, keeps what its sessions have locked: rows, tables,
advisory locks. So the sessions of an attempt carry its name, which also shows in pg_stat_activity,
and whoever takes the job over ends those of earlier attempts. A session that holds no lock is left
alone: its attempt finds out by itself that its lease is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from operations.database.statements import first_row

_attempt: ContextVar[str] = ContextVar("attempt", default="")
# A signal takes a moment. Who was told to end is waited for, so that its locks are free.
END_MILLISECONDS = 2_000
_END = """
SELECT count(*) FROM (
    SELECT pg_terminate_backend(s.pid, %(wait)s) AS ended FROM pg_stat_activity s
    WHERE s.datname = current_database() AND s.usename = current_user
      AND s.application_name LIKE %(job)s AND s.application_name <> %(but)s
      AND s.pid <> pg_backend_pid()
      AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = s.pid AND l.granted)
) AS told WHERE ended
"""


def name_of(job_id: int, attempt: int) -> str:
    return f"fairwave job {job_id}.{attempt}"


def current() -> str:
    """The name that sessions opened now get; empty outside a job."""
    return _attempt.get()


def carry_on(name: str) -> None:
    """A new thread works for its parent's attempt."""
    _attempt.set(name)


@contextmanager
def of_attempt(job_id: int, attempt: int) -> Iterator[None]:
    """Inside, the current session and those that are opened, in helper threads too, are known to
    work for this attempt.
    """
    token, name = _attempt.set(name_of(job_id, attempt)), name_of(job_id, attempt)
    _call(connection, name)
    try:
        yield
    finally:
        _attempt.reset(token)
        # a session that is lost has no name to give back
        with suppress(DatabaseError, InterfaceError):
            _call(connection, str(connection.settings_dict["OPTIONS"].get("application_name", "")))


def call_new_session(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """For Django's signal `connection_created`."""
    if name := current():
        _call(connection, name)


def end_others(job_id: int, *, but: int = 0) -> int:
    """End the sessions of a job's attempts that hold locks, all but those of one attempt. Returns
    how many were ended.
    """
    values = {"job": f"fairwave job {job_id}.%", "but": name_of(job_id, but)}
    (ended,) = first_row(_END, wait=END_MILLISECONDS, **values) or (0,)
    return int(ended)


def _call(session: BaseDatabaseWrapper, name: str) -> None:
    with session.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, false)", [name])
