"""Statements of our own to PostgreSQL, where the ORM has no word for them."""

from __future__ import annotations

from typing import Any

from django.db import connection
from psycopg import sql

Statement = str | sql.SQL | sql.Composed


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


def commit_without_waiting() -> None:
    """The caller's transaction will not wait until it is on the disk: for work that is done again
    if it is lost, and followed by a commit that does wait, which takes all earlier ones to the disk
    with it.
    """
    run("SET LOCAL synchronous_commit = off")
