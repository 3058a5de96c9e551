"""The table of one score file's rows: filled bare, indexed afterwards, attached to all scores as a partition. [S-13]

Measured: two million rows into an indexed table take 9.6 s, into a fresh table with the indexes made afterwards 4.5 s.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl
import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from psycopg import sql

COLUMNS = (
    "score_file_id",
    "global_user_id",
    "line",
    "row_id",
    "member_id",
    "email",
    "phone",
    "phone_region",
    "phone_confirmed",
    "country",
    "raw_text",
    "raw_score",
    "band",
    "band_score",
    "luck",
    "tags",
    "market_id",
)
SCHEMA = dict.fromkeys(COLUMNS, pl.String) | {
    "score_file_id": pl.Int64,
    "line": pl.Int64,
    "phone_confirmed": pl.Boolean,
    "raw_score": pl.Float64,
    "band_score": pl.Float64,
    "luck": pl.Int64,
}
READ_BYTES = 8 * 1024 * 1024
LOCK_TIMEOUT = "5s"


def name_of(score_file_id: int, suffix: str = "") -> sql.Identifier:
    return sql.Identifier(f"campaigns_fanscore_{score_file_id}{suffix}")


def raw_connection() -> psycopg.Connection:
    """psycopg's own connection below Django's: COPY has no other door."""
    connection.ensure_connection()
    return connection.connection


def run(statement: sql.SQL | sql.Composed) -> None:
    """Raises Django's database errors, as every other query does."""
    with connection.wrap_database_errors:
        raw_connection().execute(statement)


def create(score_file_id: int) -> None:
    """The bare table, if it is not there yet."""
    run(sql.SQL("CREATE TABLE IF NOT EXISTS {} (LIKE campaigns_fanscore)").format(name_of(score_file_id)))


def drop(score_file_id: int) -> None:
    """Forget the rows of a file that did not come to be counted."""
    run(sql.SQL("DROP TABLE IF EXISTS {}").format(name_of(score_file_id)))


def copy_in(table: sql.Identifier | str, columns: Sequence[str], frame: pl.DataFrame) -> None:
    """COPY a frame into a table, by these columns, as part of the current transaction. Text is never NULL, only empty."""
    target = table if isinstance(table, sql.Identifier) else sql.Identifier(table)
    texts = [name for name in columns if frame.schema[name] == pl.String]
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, FORCE_NOT_NULL ({}))").format(
        target, sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(map(sql.Identifier, texts))
    )
    text = frame.select(columns).write_csv(include_header=False, quote_style="non_numeric").encode()
    with connection.wrap_database_errors, raw_connection().cursor().copy(statement) as copy:
        copy.write(text)


def fill(score_file_id: int, frame: pl.DataFrame) -> None:
    """Add accepted rows (COLUMNS; no control character in a string) to the bare table."""
    _fill(name_of(score_file_id), frame)


def _fill(table: sql.Identifier, frame: pl.DataFrame) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, sql.SQL(", ").join(map(sql.Identifier, COLUMNS)))
    with connection.wrap_database_errors, raw_connection().cursor().copy(statement) as copy:
        copy.write(_copy_text(frame.select(COLUMNS)))


def _copy_text(frame: pl.DataFrame) -> bytes:
    """PostgreSQL's own text format. Its one escape is rarely needed, so it is looked for in the whole, not in each column."""
    text = frame.write_csv(include_header=False, separator="\t", quote_style="never", null_value="\\N")
    if "\\" in text:
        escaped = frame.with_columns(pl.col(pl.String).str.replace_all("\\", "\\\\", literal=True))
        text = escaped.write_csv(include_header=False, separator="\t", quote_style="never", null_value="\\N")
    return text.encode()


def has_rows_to_draw(score_file_id: int) -> bool:
    """Whether any row was judged while a public value was awaited."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE luck IS NULL)").format(name_of(score_file_id))
    with connection.wrap_database_errors:
        (found,) = raw_connection().execute(query).fetchone() or (False,)
    return bool(found)


def rows_of(score_file_id: int) -> Iterator[pl.DataFrame]:
    """The accepted rows (COLUMNS) in order of their lines, some ten thousand at a time."""
    query = sql.SQL("SELECT {} FROM {} ORDER BY line").format(
        sql.SQL(", ").join(map(sql.Identifier, COLUMNS)), name_of(score_file_id)
    )
    return _frames(query, SCHEMA)


def rejected_rows_of(score_file_id: int) -> Iterator[pl.DataFrame]:
    """`line`, `reason`, `raw` of the rejected rows in order of their lines, some ten thousand at a time."""
    query = sql.SQL("SELECT line, reason, raw FROM campaigns_rejectedrow WHERE score_file_id = {} ORDER BY line")
    return _frames(query.format(score_file_id), {"line": pl.Int64, "reason": pl.String, "raw": pl.String})


def _frames(query: sql.Composed, schema: dict[str, Any]) -> Iterator[pl.DataFrame]:
    """What a query finds, over a connection of its own, so that the caller can write what it makes of it.

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
    return frame.with_columns(pl.col(name) == "t" for name, kind in schema.items() if kind == pl.Boolean)


def replace_with_drawn(score_file_id: int, drawn: Iterator[pl.DataFrame]) -> None:
    """Put the drawn rows in the place of the judged ones, in the caller's transaction: rows are never updated. [S-13]"""
    fresh = name_of(score_file_id, "_drawn")
    with transaction.atomic():
        run(sql.SQL("CREATE TABLE {} (LIKE campaigns_fanscore)").format(fresh))
        for frame in drawn:
            _fill(fresh, frame)
        run(sql.SQL("DROP TABLE {}").format(name_of(score_file_id)))
        run(sql.SQL("ALTER TABLE {} RENAME TO {}").format(fresh, name_of(score_file_id)))


def is_attached(score_file_id: int) -> bool:
    query = "SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(%s)"
    return raw_connection().execute(query, [f"campaigns_fanscore_{score_file_id}"]).fetchone() is not None


def is_indexed(score_file_id: int) -> bool:
    query = "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'"
    return raw_connection().execute(query, [f"campaigns_fanscore_{score_file_id}"]).fetchone() is not None


def index(score_file_id: int) -> None:
    """Make the indexes and checks the table of all scores has, so that attaching has nothing left to build. All or nothing.

    A run that was killed may have made them. The planner gets to know the rows as well.
    """
    if is_indexed(score_file_id):
        return
    table = name_of(score_file_id)
    key = sql.Identifier(f"campaigns_fanscore_{score_file_id}_pkey")
    order = sql.Identifier(f"campaigns_fanscore_{score_file_id}_in_order")
    ours = sql.Identifier(f"campaigns_fanscore_{score_file_id}_ours")
    with transaction.atomic():
        run(sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY (global_user_id, score_file_id)").format(table, key))
        columns = sql.SQL("(band_score DESC, luck DESC, global_user_id)")
        run(sql.SQL("CREATE INDEX {} ON {} ").format(order, table) + columns)
        belongs = sql.SQL("score_file_id = {}").format(score_file_id)
        drawn = sql.SQL("(band_score IS NULL) = (luck IS NULL)")
        run(sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({})").format(table, ours, belongs))
        run(sql.SQL("ALTER TABLE {} ADD CONSTRAINT fanscore_drawn CHECK ({})").format(table, drawn))
        run(sql.SQL("ANALYZE {}").format(table))


def attach(score_file_id: int) -> None:
    """Make the rows part of all scores. The lock is short, and waited for no longer than LOCK_TIMEOUT."""
    run(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT))
    statement = sql.SQL("ALTER TABLE campaigns_fanscore ATTACH PARTITION {} FOR VALUES IN ({})")
    run(statement.format(name_of(score_file_id), score_file_id))
    run(sql.SQL("SET LOCAL lock_timeout TO DEFAULT"))
