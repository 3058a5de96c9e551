"""Frames into PostgreSQL and out of it: COPY, for which psycopg is the only door."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl
import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import sql

READ_BYTES = 2 * 1024 * 1024


def raw_connection() -> psycopg.Connection:
    """psycopg's own connection below Django's."""
    connection.ensure_connection()
    return connection.connection


def run(statement: sql.SQL | sql.Composed) -> None:
    """Raises Django's database errors, as every other query does."""
    with connection.wrap_database_errors:
        raw_connection().execute(statement)


def commit_without_waiting() -> None:
    """The caller's transaction will not wait until it is on the disk: for work that is done again
    if it is lost, and followed by a commit that does wait, which takes all earlier ones to the disk
    with it.
    """
    run(sql.SQL("SET LOCAL synchronous_commit = off"))


def copy_in(table: sql.Identifier | str, columns: Sequence[str], frame: pl.DataFrame) -> None:
    """COPY a frame into a table, by these columns, as part of the current transaction. Text is
    never NULL, only empty.
    """
    target = table if isinstance(table, sql.Identifier) else sql.Identifier(table)
    texts = [name for name in columns if frame.schema[name] == pl.String]
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, FORCE_NOT_NULL ({}))").format(
        target,
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Identifier, texts)),
    )
    text = frame.select(columns).write_csv(include_header=False, quote_style="non_numeric").encode()
    with connection.wrap_database_errors, raw_connection().cursor().copy(statement) as copy:
        copy.write(text)


def copy_plain(table: sql.Identifier, columns: Sequence[str], frame: pl.DataFrame) -> None:
    """The same for strings without control characters, at half the cost."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.wrap_database_errors, raw_connection().cursor().copy(statement) as copy:
        copy.write(_copy_text(frame.select(columns)))


def copy_text(table: sql.Identifier, columns: Sequence[str], text: str) -> None:
    """COPY rows that are in PostgreSQL's text format already, as part of the current transaction."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        table, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.wrap_database_errors, raw_connection().cursor().copy(statement) as copy:
        copy.write(text)


def _copy_text(frame: pl.DataFrame) -> bytes:
    """PostgreSQL's own text format. Its one escape is rarely needed, so it is looked for in the
    whole, not in each column.
    """
    text = frame.write_csv(
        include_header=False, separator="\t", quote_style="never", null_value="\\N"
    )
    if "\\" in text:
        escaped = frame.with_columns(pl.col(pl.String).str.replace_all("\\", "\\\\", literal=True))
        text = escaped.write_csv(
            include_header=False, separator="\t", quote_style="never", null_value="\\N"
        )
    return text.encode()


def frames_of(query: sql.Composed, schema: dict[str, Any]) -> Iterator[pl.DataFrame]:
    """What a query finds, over a connection of its own, so that the caller can write what it makes
    of it.

    The server streams, so memory stays flat.
    """
    reading = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        reading.ensure_connection()
        statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
        with reading.wrap_database_errors, reading.connection.cursor().copy(statement) as copy:
            for pieces in _some_at_a_time(copy):
                yield _frame(pieces, schema)
    finally:
        reading.close()


def _some_at_a_time(pieces: Iterable[bytes | memoryview]) -> Iterator[list[bytes]]:
    held, size = [], 0
    for piece in pieces:  # PostgreSQL sends a row at a time
        held.append(bytes(piece))
        size += len(held[-1])
        if size > READ_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _frame(pieces: list[bytes], schema: dict[str, Any]) -> pl.DataFrame:
    frame = pl.read_csv(
        b"".join(pieces),
        has_header=False,
        new_columns=list(schema),
        schema_overrides=[pl.String if kind == pl.Boolean else kind for kind in schema.values()],
        empty_string_is_null=False,
    )
    return frame.with_columns(
        pl.col(name) == "t" for name, kind in schema.items() if kind == pl.Boolean
    )
