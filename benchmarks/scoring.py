"""A score file from upload to STREAMED, beside a bare COPY of the resulting rows into one table
with the same indexes, and beside what a user would take instead.
"""

from __future__ import annotations

import time
from pathlib import Path

from psycopg import sql

from benchmarks.figures import Bound, Figure
from benchmarks.peers import bulk_import, plain_script
from benchmarks.peers.files import well_formed
from benchmarks.support.worker import WARM_UP_ROWS, Measured, measure, score_file
from campaigns.scoring import tables
from fairwave import env
from operations.database import copying, statements

ROWS = 2_000_000
PEER_ROWS = 50_000
SMALLER = 1_000_000  # rows of the file that one of twice as many and more is compared with
PIECE = 1024 * 1024
MOST_OF_BARE_COPY = 1.5
LEAST_OF_PEER = 12  # times the rows per second of django-import-export
MOST_BYTES_A_ROW = 32
MOST_MIB = 1024
MOST_GROWTH = 1.15  # of the time per row


def run(rows: int | None) -> list[Figure | Bound]:
    count, folder = rows or ROWS, env.data_folder() / "bench"
    done = measure(count, folder)
    limit = bare_copy(done.score_file, folder)
    streamed = Figure(
        "score file to STREAMED",
        done.rows,
        done.seconds,
        "bare COPY, indexed",
        limit,
        MOST_OF_BARE_COPY,
    )
    figures = [
        streamed,
        *_memory(done),
        *_peers(done, well_formed(score_file(count, folder), min(count, PEER_ROWS))),
    ]
    if count >= 2 * SMALLER:
        figures += _growth(done, measure(SMALLER, folder))
    return figures


def bare_copy(score_file_id: int, folder: Path) -> float:
    """Seconds of a COPY of a file's rows, as prepared bytes on disk, into a table with the same
    indexes from the start.
    """
    table, source = sql.Identifier("bench_copy"), tables.name_of(score_file_id)
    prepared, columns = folder / "copy.txt", sql.SQL(", ").join(map(sql.Identifier, tables.COLUMNS))
    with prepared.open("wb") as out:
        out.writelines(copying.pieces_of(sql.SQL("SELECT {} FROM {}").format(columns, source)))
    statements.run(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(table, source))
    started = time.monotonic()
    with prepared.open("rb") as file:
        copying.copy_pieces(table, tables.COLUMNS, iter(lambda: file.read(PIECE), b""))
    seconds = time.monotonic() - started
    statements.run(sql.SQL("DROP TABLE {}").format(table))
    prepared.unlink()
    return seconds


def _memory(done: Measured) -> list[Bound]:
    above, peak = done.peak_bytes - done.base_bytes, done.peak_bytes / 2**20
    note = (
        f"{done.base_bytes / 2**20:,.0f} MiB with a file of {WARM_UP_ROWS:,} rows,"
        f" {above / 2**20:,.0f} MiB more with this one"
    )
    return [
        Bound(
            "peak memory of the worker above its base",
            above / done.rows,
            "bytes a row",
            at_most=MOST_BYTES_A_ROW,
            note=note,
        ),
        Bound("peak memory of the worker", peak, "MiB", at_most=MOST_MIB),
    ]


def _peers(done: Measured, given: Path) -> list[Figure | Bound]:
    with given.open("rb") as file:
        count = sum(1 for _ in file) - 1
    theirs, script = bulk_import.seconds_for(given), plain_script.seconds_for(given)
    given.unlink()
    times = (theirs / count) / (done.seconds / done.rows)
    return [
        Figure("peer: django-import-export in bulk, phones checked", count, theirs),
        Bound("as fast as django-import-export", times, "times", at_least=LEAST_OF_PEER),
        Figure("peer: csv, phonenumbers, bulk_create", count, script),
    ]


def _growth(done: Measured, smaller: Measured) -> list[Bound]:
    """How the time per row grows with the file."""
    growth = (done.seconds / done.rows) / (smaller.seconds / smaller.rows)
    beside = f"a file of {smaller.rows:,} rows"
    note = (
        f"{smaller.rows:,} rows in {smaller.seconds:.2f} s with a peak of"
        f" {smaller.peak_bytes / 2**20:,.0f} MiB"
    )
    return [Bound(f"time per row beside {beside}", growth, "times", at_most=MOST_GROWTH, note=note)]
