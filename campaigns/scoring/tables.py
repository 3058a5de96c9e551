"""The two tables of one score file, its accepted and its rejected rows: filled bare, indexed,
attached as partitions. [S-13]

Measured: two million rows into an indexed table take 9.6 s, into a fresh table with the indexes
made afterwards 4.5 s. No index begins with the score file's number: it is the same in all rows, and
PostgreSQL sorts twice as fast by what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl
from django.db import OperationalError, transaction
from psycopg import sql
from psycopg.errors import LockNotAvailable

from campaigns.contacts.search_forms import COLUMNS as FOUND_BY
from operations.database.copying import copy_nullable, copy_plain, frames_of
from operations.database.statements import first_row, run

SCORES, REJECTED = "campaigns_fanscore", "campaigns_rejectedrow"
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
    "preferences",
)
SCHEMA = dict.fromkeys(COLUMNS, pl.String) | {
    "score_file_id": pl.Int64,
    "line": pl.Int64,
    "phone_confirmed": pl.Boolean,
    "raw_score": pl.Float64,
    "band_score": pl.Float64,
    "luck": pl.Int64,
}
REJECTED_COLUMNS = ("score_file_id", "line", "global_user_id", "reason", "raw", *FOUND_BY)
LOCK_TIMEOUT = "5s"
ATTACH_TRIES = 6
INDEX_NAMES = (
    *("key", "in_order", "one_outcome_per_fan", "by_fan", "by_fields"),
    *(f"by_{column}" for column in FOUND_BY),
)
INDEXING = {  # what the table of all has, so that attaching has nothing left to build
    SCORES: (
        "ALTER TABLE {table} ADD CONSTRAINT {key} PRIMARY KEY (global_user_id, score_file_id)",
        "CREATE INDEX {in_order} ON {table} (band_score DESC, luck DESC, global_user_id)",
        "ANALYZE {table}",
    ),
    REJECTED: (
        "ALTER TABLE {table} ADD CONSTRAINT {key} PRIMARY KEY (line, score_file_id)",
        """CREATE UNIQUE INDEX {one_outcome_per_fan} ON {table} (global_user_id, score_file_id)
           WHERE reason NOT IN ('malformed_row', 'missing_user_id', 'duplicate')""",
        'CREATE INDEX {by_fan} ON {table} (lower(global_user_id COLLATE "C"))',
        *(f"CREATE INDEX {{by_{column}}} ON {{table}} ({column})" for column in FOUND_BY),
        # 32 µs a row, where each of the others takes 1 µs
        """CREATE INDEX {by_fields} ON {table} USING gin (campaigns_fields(raw))
           WHERE email IS NULL""",
        "ANALYZE {table}",
    ),
}


def name_of(score_file_id: int, of: str = SCORES, suffix: str = "") -> sql.Identifier:
    return sql.Identifier(f"{of}_{score_file_id}{suffix}")


def create(score_file_id: int) -> None:
    """Both tables, bare, if they are not there yet."""
    for of in (SCORES, REJECTED):
        _create(score_file_id, of)


def _create(score_file_id: int, of: str, suffix: str = "") -> None:
    """With its checks from the start, so that they are made row by row and not in readings of the
    whole table.
    """
    bare = (
        "CREATE TABLE IF NOT EXISTS {} (LIKE {} INCLUDING CONSTRAINTS, CONSTRAINT {} CHECK"
        " (score_file_id = {}))"
    )
    ours = name_of(score_file_id, of, f"{suffix}_ours")
    run(
        sql.SQL(bare).format(
            name_of(score_file_id, of, suffix), sql.Identifier(of), ours, score_file_id
        )
    )


def drop(score_file_id: int) -> None:
    """Forget the rows of a file that did not come to be counted."""
    for of in (SCORES, REJECTED):
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(name_of(score_file_id, of)))


def rows_in(score_file_id: int) -> int:
    """How many rows both tables have; nought where they are gone."""
    total = 0
    for of in (SCORES, REJECTED):
        if is_there(score_file_id, of):
            query = sql.SQL("SELECT count(*) FROM {}").format(name_of(score_file_id, of))
            (rows,) = first_row(query) or (0,)
            total += rows
    return total


def is_there(score_file_id: int, of: str = SCORES) -> bool:
    query = "SELECT 1 WHERE to_regclass(%(table)s) IS NOT NULL"
    return first_row(query, table=f"{of}_{score_file_id}") is not None


def fill(score_file_id: int, frame: pl.DataFrame) -> None:
    """Add accepted rows (COLUMNS; no control character in a string) to the bare table."""
    copy_plain(name_of(score_file_id), COLUMNS, frame)


def fill_rejected(score_file_id: int, frame: pl.DataFrame) -> None:
    """Add rejected rows (REJECTED_COLUMNS; FOUND_BY may be null) to the bare table."""
    copy_nullable(name_of(score_file_id, REJECTED), frame.select(REJECTED_COLUMNS))


def has_rows_to_draw(score_file_id: int) -> bool:
    """Whether any row was judged while a public value was awaited."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE luck IS NULL)").format(
        name_of(score_file_id)
    )
    (found,) = first_row(query) or (False,)
    return bool(found)


def rows_of(score_file_id: int) -> Iterator[pl.DataFrame]:
    """The accepted rows (COLUMNS) in order of their lines, some ten thousand at a time."""
    names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    return frames_of(
        sql.SQL("SELECT {} FROM {} ORDER BY line").format(names, name_of(score_file_id)), SCHEMA
    )


def rejected_rows_of(score_file_id: int) -> Iterator[pl.DataFrame]:
    """`line`, `reason`, `raw` of the rejected rows in order of their lines, some ten thousand at a
    time.
    """
    query = sql.SQL("SELECT line, reason, raw FROM {} ORDER BY line").format(
        name_of(score_file_id, REJECTED)
    )
    return frames_of(query, {"line": pl.Int64, "reason": pl.String, "raw": pl.String})


def replace_with_drawn(score_file_id: int, drawn: Iterator[pl.DataFrame]) -> None:
    """Put the drawn rows in the place of the judged ones, in the caller's transaction: rows are
    never updated. [S-13]
    """
    fresh = name_of(score_file_id, suffix="_drawn")
    with transaction.atomic():
        _create(score_file_id, SCORES, "_drawn")
        for frame in drawn:
            copy_plain(fresh, COLUMNS, frame)
        run(sql.SQL("DROP TABLE {}").format(name_of(score_file_id)))
        run(sql.SQL("ALTER TABLE {} RENAME TO {}").format(fresh, name_of(score_file_id)))


def is_attached(score_file_id: int, of: str = SCORES) -> bool:
    query = "SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(%(table)s)"
    return first_row(query, table=f"{of}_{score_file_id}") is not None


def is_indexed(score_file_id: int, of: str = SCORES) -> bool:
    query = "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass(%(table)s) AND contype = 'p'"
    return first_row(query, table=f"{of}_{score_file_id}") is not None


def index(score_file_id: int, of: str = SCORES) -> None:
    """Make the indexes of one of the tables, all or none, unless a run that was killed made them.

    The planner gets to know the rows as well.
    """
    if is_indexed(score_file_id, of):
        return
    names = {name: name_of(score_file_id, of, f"_{name}") for name in INDEX_NAMES}
    with transaction.atomic():
        for statement in INDEXING[of]:
            run(sql.SQL(statement).format(table=name_of(score_file_id, of), **names))


def attach(score_file_id: int, of: str = SCORES) -> None:
    """Make the rows part of all, in the caller's transaction. The lock is short, and waited for no
    longer than LOCK_TIMEOUT.
    """
    if is_attached(score_file_id, of):
        return
    run(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT))
    statement = sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})")
    run(statement.format(sql.Identifier(of), name_of(score_file_id, of), score_file_id))
    run(sql.SQL("SET LOCAL lock_timeout TO DEFAULT"))


def patiently(work: Callable[[], None]) -> None:
    """Do in one transaction what attaches rows. Who holds the table of all rows just then is waited
    for.
    """
    for tries_left in reversed(range(ATTACH_TRIES)):
        try:
            with transaction.atomic():
                work()
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or not tries_left:
                raise
