"""Frames in and out of PostgreSQL by COPY."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
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


def _filled(query: str, numbers: Mapping[str, int | None]) -> sql.Composed:
    return sql.SQL(query).format(**{name: sql.Literal(number) for name, number in numbers.items()})
