"""Frames into PostgreSQL and out of it by COPY, which only this module uses.

Text is either never NULL (`copy_in`, `copy_plain`, `frames_of`, `frame_of`: NULL and empty are both
the empty string) or kept apart from it (`copy_nullable`, `nullable_frames_of`, `nullable_frame_of`:
NULL is null). Queries take `%(name)s` parameters. All raise Django's database errors.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import polars as pl
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import Copy, sql
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from psycopg.waiting import Ready, Wait

from operations.database.statements import unhurried

WRITE_BYTES = 1 << 20
READ_BYTES = 2 << 20
NULLABLE_BYTES = 8 << 20
TEXT, CSV, BINARY = sql.SQL("FORMAT text"), sql.SQL("FORMAT csv"), sql.SQL("FORMAT binary")

Table = sql.Identifier | str
Query = sql.Composable | str


def copy_in(table: Table, columns: Sequence[str], frame: pl.DataFrame) -> None:
    """COPY these columns of a frame into a table, as part of the current transaction."""
    texts = [name for name in columns if frame.schema[name] == pl.String]
    options = sql.SQL("FORMAT csv, FORCE_NOT_NULL ({})").format(_listed(texts))
    text = frame.select(columns).write_csv(include_header=False, quote_style="non_numeric").encode()
    copy_pieces(table, columns, [text], options)


def copy_plain(table: Table, columns: Sequence[str], frame: pl.DataFrame) -> None:
    """The same for strings without control characters, at half the cost."""
    copy_pieces(table, columns, [_copy_text(frame.select(columns))])


def copy_nullable(table: Table, frame: pl.DataFrame) -> None:
    """COPY a frame into the table's columns of the same names; null becomes NULL, empty text stays
    empty.
    """
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False)
    view = buffer.getbuffer()
    starts = range(0, len(view), WRITE_BYTES)
    copy_pieces(table, frame.columns, (view[at : at + WRITE_BYTES] for at in starts), CSV)


def copy_pieces(
    table: Table,
    columns: Sequence[str],
    pieces: Iterable[bytes | memoryview | str],
    options: sql.Composable = TEXT,
) -> None:
    """COPY what is in PostgreSQL's text format already, or in that of the options, cut anywhere."""
    with _writing(table, columns, options) as copy:
        for piece in pieces:
            copy.write(piece)


def copy_rows(table: Table, columns: Mapping[str, str], rows: Iterable[tuple[object, ...]]) -> None:
    """COPY rows in the binary format: bytes go through as they are. `columns`: name → type."""
    with _writing(table, list(columns), BINARY) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def frames_of(query: Query, schema: Mapping[str, Any], **values: Any) -> Iterator[pl.DataFrame]:
    """What a query finds, over a connection of its own, so that the caller can write what it makes
    of it.

    The server streams, so memory stays flat.
    """
    with (
        closing(connections.create_connection(DEFAULT_DB_ALIAS)) as own,
        _reading(own, query, CSV, values) as copy,
    ):
        for text in _gathered(copy, READ_BYTES):
            yield _frame(text, schema)


def frame_of(query: Query, schema: Mapping[str, Any], **values: Any) -> pl.DataFrame:
    """What a query finds as one frame, over the current connection."""
    with _reading(connection, query, CSV, values) as copy:
        text = b"".join(_gathered(copy, READ_BYTES))
    return _frame(text, schema) if text else pl.DataFrame(schema=dict(schema))


def nullable_frames_of(
    query: Query, schema: Mapping[str, Any], **values: Any
) -> Iterator[pl.DataFrame]:
    """What a query finds as frames of some ten thousand rows, over the current connection.
    PostgreSQL works on while a frame is used.
    """
    with _reading(connection, query, CSV, values) as copy:
        for text in _gathered(copy, NULLABLE_BYTES):
            yield pl.read_csv(text, has_header=False, schema=dict(schema))


def nullable_frame_of(query: Query, schema: Mapping[str, Any], **values: Any) -> pl.DataFrame:
    """`nullable_frames_of` as one frame."""
    frames = list(nullable_frames_of(query, schema, **values))
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict(schema))


def pieces_of(query: Query, options: sql.Composable = TEXT, **values: Any) -> Iterator[bytes]:
    """What a query finds, in PostgreSQL's text format or that of the options, some thousand rows at
    a time.
    """
    with _reading(connection, query, options, values) as copy:
        yield from _gathered(copy, READ_BYTES)


@contextmanager
def _reading(
    over: BaseDatabaseWrapper, query: Query, options: sql.Composable, values: Mapping[str, Any]
) -> Iterator[Copy]:
    """A COPY of what a query finds."""
    selected = sql.SQL(query) if isinstance(query, str) else query
    statement = sql.SQL("COPY ({}) TO STDOUT ({})").format(selected, options)
    # Django wraps the errors of execute(), not those of copy()
    with (
        unhurried(over),
        over.wrap_database_errors,
        over.cursor() as cursor,
        cursor.copy(statement, values or None) as copy,
    ):
        yield copy


@contextmanager
def _writing(table: Table, columns: Sequence[str], options: sql.Composable) -> Iterator[Copy]:
    target = table if isinstance(table, sql.Identifier) else sql.Identifier(table)
    statement = sql.SQL("COPY {} ({}) FROM STDIN ({})").format(target, _listed(columns), options)
    with (
        unhurried(),
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        yield copy


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _copy_text(frame: pl.DataFrame) -> bytes:
    """PostgreSQL's own text format. Its one escape is rarely needed, so it is looked for in the
    whole, not in each column.
    """
    text = frame.write_csv(
        include_header=False, separator="\t", quote_style="never", null_value="\\N"
    )
    if text.count("\\") > sum(frame.null_count().row(0)):
        escaped = frame.with_columns(pl.col(pl.String).str.replace_all("\\", "\\\\", literal=True))
        text = escaped.write_csv(
            include_header=False, separator="\t", quote_style="never", null_value="\\N"
        )
    return text.encode()


def _gathered(copy: Copy, least: int) -> Iterator[bytes]:
    """What comes, in texts of whole rows: of `least` bytes and a little, and the last one.

    psycopg's own loop waits anew for each row: 0.7 µs of the interpreter's time instead of 0.45.
    """
    held = bytearray()
    while copy.connection.wait(_taken(copy.connection.pgconn, held, least)):
        yield bytes(held)
        held = bytearray()
    if held:
        yield bytes(held)


def _taken(pgconn: PGconn, held: bytearray, least: int) -> Generator[Wait, Ready | int, bool]:
    """Add rows to `held`, as many as have come, until it has `least` bytes; whether more may come.
    Raises psycopg's error where the query failed.
    """
    while len(held) < least:
        size, row = pgconn.get_copy_data(1)
        if size > 0:
            held += row
        elif size == 0:
            yield Wait.R
            pgconn.consume_input()
        else:
            for result in list(iter(pgconn.get_result, None)):
                if result.status != ExecStatus.COMMAND_OK:
                    raise error_from_result(result)
            return False
    return True


def _frame(text: bytes, schema: Mapping[str, Any]) -> pl.DataFrame:
    frame = pl.read_csv(
        text,
        has_header=False,
        new_columns=list(schema),
        schema_overrides=[pl.String if kind == pl.Boolean else kind for kind in schema.values()],
        empty_string_is_null=False,
    )
    return frame.with_columns(
        pl.col(name) == "t" for name, kind in schema.items() if kind == pl.Boolean
    )
