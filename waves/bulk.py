"""Frames in and out of PostgreSQL by COPY, and locks that outlive a transaction but not their
process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl
from django.db import connection
from psycopg import sql

COPY_BYTES = 1 << 20
FRAME_BYTES = 16 << 20


def read_frames(
    query: str, schema: Mapping[str, Any], **numbers: int | None
) -> Iterator[pl.DataFrame]:
    """The rows of a SELECT as frames of some ten thousand rows; `{name}` in the query becomes the
    number of that name.

    Empty text stays empty, NULL becomes null. PostgreSQL works on while a frame is used.
    """
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(_filled(query, numbers))
    buffer = bytearray()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in copy:  # PostgreSQL sends a row at a time
            buffer += row
            if len(buffer) > FRAME_BYTES:
                yield _parsed(buffer, schema)
                buffer = bytearray()
    if buffer:
        yield _parsed(buffer, schema)


def read_frame(query: str, schema: Mapping[str, Any], **numbers: int | None) -> pl.DataFrame:
    """`read_frames` as one frame."""
    frames = list(read_frames(query, schema, **numbers))
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict(schema))


def _parsed(buffer: bytearray, schema: Mapping[str, Any]) -> pl.DataFrame:
    return pl.read_csv(bytes(buffer), has_header=False, schema=dict(schema))


def copy_frame(frame: pl.DataFrame, table: str) -> None:
    """COPY a frame into the table's columns of the same names; inside the caller's transaction."""
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), columns
    )
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        view = buffer.getbuffer()
        for start in range(0, len(view), COPY_BYTES):
            copy.write(view[start : start + COPY_BYTES])


def run(statement: str, **values: Any) -> int:
    """Execute one statement with `%(name)s` parameters; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


@contextmanager
def exclusive(name: str, *, wait: bool) -> Iterator[bool]:
    """Hold a lock of this name until the block ends; yields False at once if it is taken and `wait`
    is false.

    The lock belongs to the connection, spans several transactions, and goes when the process dies.
    (Behind a pooler that shares connections between transactions it would not hold: connect to
    PostgreSQL itself.)
    """
    acquire = (
        "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
        if wait
        else "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    )
    with connection.cursor() as cursor:
        cursor.execute(acquire, [name])
        held = wait or bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _filled(query: str, numbers: Mapping[str, int | None]) -> sql.Composed:
    return sql.SQL(query).format(**{name: sql.Literal(number) for name, number in numbers.items()})
