"""Locks of rows in one order, and PostgreSQL's advisory locks, named by words: all programs that
name the same work take turns.

An advisory lock belongs to a connection or to its transaction, and PostgreSQL frees it when the
process dies. (Behind a pooler that shares connections between transactions a connection's locks
would not hold: connect to PostgreSQL itself.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from psycopg.errors import LockNotAvailable

from operations.database.statements import run, unhurried
from operations.errors import HeldElsewhere

# whoever holds such a lock may rightly need longer than a statement may
WAITING = ("statement_timeout", "lock_timeout")


@contextmanager
def ended_when_idle(seconds: float) -> Iterator[None]:
    """PostgreSQL ends this session if it asks nothing for so long while the block runs: a process
    that is stopped, or cut off, gives up the locks that it holds. Put it inside the lock; where
    the session was ended, the next statement raises OperationalError.
    """
    run("SELECT set_config('idle_session_timeout', %(limit)s, false)", limit=f"{seconds}s")
    try:
        yield
    finally:
        with suppress(OperationalError, InterfaceError):  # the session is over
            run("SET idle_session_timeout TO DEFAULT")


@contextmanager
def exclusive(
    name: str, *, wait: bool = True, using: BaseDatabaseWrapper | None = None
) -> Iterator[bool]:
    """Hold the lock of this name until the block ends, over as many transactions as it takes.
    Yields False at once if another connection holds it and `wait` is false.
    """
    if wait:
        with unhurried(using, limits=WAITING):
            _ask("pg_advisory_lock", name, using)
    held = wait or hold(name, using=using)
    try:
        yield held
    finally:
        if held:
            with suppress(OperationalError, InterfaceError):  # it went with its connection
                _ask("pg_advisory_unlock", name, using)


def hold(name: str, *, using: BaseDatabaseWrapper | None) -> bool:
    """Take the lock for as long as this connection stays open; taking it twice is harmless. False
    if another connection holds it.
    """
    return bool(_ask("pg_try_advisory_lock", name, using))


def lock_in_transaction(name: str) -> None:
    """Wait for the lock; the current transaction holds it until it ends."""
    with unhurried(limits=WAITING):
        _ask("pg_advisory_xact_lock", name)


def try_lock_in_transaction(name: str) -> bool:
    """The same without waiting: False if another transaction holds the lock."""
    return bool(_ask("pg_try_advisory_xact_lock", name))


def lock_in_key_order(rows: QuerySet[Any]) -> None:
    """Lock rows in the order of their primary keys until the transaction ends, before they are
    changed together: who does the same never waits for us in a circle.
    """
    locked = rows.order_by("pk").select_for_update(no_key=True, of=("self",))
    for _ in locked.values_list("pk").iterator():
        pass


@contextmanager
def waiting_at_most(seconds: float, what: str) -> Iterator[None]:
    """Statements of the caller's transaction wait no longer for anybody's lock. Raises
    HeldElsewhere, which names `what` is held.
    """
    run("SELECT set_config('lock_timeout', %(wait)s, true)", wait=f"{round(seconds * 1_000)}ms")
    try:
        yield
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise HeldElsewhere(f"{what} is in use by another process. Try again in a minute.") from (
            error
        )


def _ask(function: str, name: str, using: BaseDatabaseWrapper | None = None) -> Any:
    with (using or connection).cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_number(name)])
        return cursor.fetchone()[0]


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
