"""Statements of our own to PostgreSQL, where the ORM has no word for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

Statement = str | sql.SQL | sql.Composed
LONGEST_STATEMENT = "'6h'"  # as long as a task may take
# what is set just now, by `_having`, in each session of PostgreSQL: the next one has nothing of it
_held: WeakKeyDictionary[Any, set[tuple[str, str]]] = WeakKeyDictionary()


def run(statement: Statement, **values: Any) -> int:
    """Execute one statement with `%(name)s` parameters; how many rows it touched. Raises Django's
    database errors.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return int(cursor.rowcount)


def first_row(statement: Statement, **values: Any) -> tuple[Any, ...] | None:
    """The first row that a query finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def rows(statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
    """All rows that a query finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())


def commit_without_waiting() -> None:
    """The caller's transaction will not wait until it is on the disk: for work that is done again
    if it is lost, and followed by a commit that does wait, which takes all earlier ones to the disk
    with it.
    """
    run("SET LOCAL synchronous_commit = off")


@contextmanager
def unhurried(
    using: BaseDatabaseWrapper | None = None, *, limits: Sequence[str] = ("statement_timeout",)
) -> Iterator[None]:
    """Statements inside may take as long as a task: a COPY takes as long as its other side
    computes, and an index or a merge of millions of rows has no limit that is known beforehand.
    """
    with _having(using or connection, limits, LONGEST_STATEMENT):
        yield


@contextmanager
def looking_up() -> Iterator[None]:
    """Joins inside ask an index for each row, whatever the planner expects of reading all: for some
    thousand rows of tables of millions.
    """
    with _having(connection, ("enable_hashjoin", "enable_mergejoin"), "off"):
        yield


@contextmanager
def _having(session: BaseDatabaseWrapper, names: Sequence[str], value: str) -> Iterator[None]:
    """What holds already is not said again, and holds until that one's end."""
    session.ensure_connection()
    held = _held.setdefault(session.connection, set())
    new = [name for name in names if (name, value) not in held]
    if not new:
        yield
        return
    said = {(name, value) for name in new}
    _set(session, new, value)
    held |= said
    try:
        yield
    except BaseException:
        if not session.in_atomic_block:  # else the rollback takes it back
            with suppress(DatabaseError, InterfaceError):
                _set(session, new, "DEFAULT")
        raise
    else:
        _set(session, new, "DEFAULT")
    finally:
        held -= said


def _set(session: BaseDatabaseWrapper, names: Sequence[str], value: str) -> None:
    scope = "LOCAL" if session.in_atomic_block else "SESSION"
    with session.cursor() as cursor:
        cursor.execute(";".join(f"SET {scope} {name} TO {value}" for name in names))
