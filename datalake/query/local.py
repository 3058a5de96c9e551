"""A query of the lake's own engine: planned upon the catalogue as it is at one moment, then run
upon the files that it reads. [L-4, L-8]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from datalake.errors import NoSuchObject, QueryRefused
from datalake.query import process, tables
from datalake.query.opened import opened
from datalake.query.process import Limits
from datalake.query.tables import Part

TRIES: Final = 3  # a file can be archived between the catalogue's look and ours


@dataclass
class Answer:
    """What a query found: columns as (name, type), rows in their order, whether there were more
    than its limits, and what was read.
    """

    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    cut: bool = False
    files: int = 0
    bytes: int = 0


def limits() -> Limits:
    """As the settings have them."""
    return Limits(
        seconds=settings.LAKE_QUERY_SECONDS,
        rows=settings.LAKE_QUERY_ROWS,
        memory_bytes=settings.LAKE_QUERY_MEMORY_MB << 20,
    )


def run(
    sql: str,
    *,
    within: Limits,
    check: Callable[[], object] = lambda: None,
    on_file: Callable[[int, int], object] = lambda done, total: None,
) -> Answer:
    """The answer to a query. `check` is called at least each second while the engine works, and
    between two files, and may raise to stop; `on_file` says how many files are open, of how many.

    Raises QueryRefused, and OSError where disk or bucket do not do their part.
    """
    deadline = time.monotonic() + within.seconds
    for tries_left in reversed(range(TRIES)):
        try:
            return _run(sql, within, deadline, check, on_file)
        except NoSuchObject:
            if not tries_left:
                raise
    raise AssertionError


def _run(
    sql: str,
    within: Limits,
    deadline: float,
    check: Callable[[], object],
    on_file: Callable[[int, int], object],
) -> Answer:
    parts = tables.readable_parts()
    schemas = {name: dict(schema.avro) for name, schema in tables.schemas().items()}
    reads = _planned(sql, schemas, parts, within, deadline, check)
    wanted = [part for part in parts if part.period in reads.get(part.record_type, ())]

    def on_each(done: int, total: int) -> None:
        check()
        if time.monotonic() > deadline:
            raise process.too_slow(within)
        on_file(done, total)

    with opened(wanted, sorted(reads), on_each) as files:
        question = {
            "step": "run",
            "sql": sql,
            "tables": {name: schemas[name] for name in sorted(reads)},
        }
        lines = process.ask(
            question,
            folder=files.folder,
            files=files.numbers,
            limits=within,
            deadline=deadline,
            check=check,
        )
        answer = _gathered(lines)
    answer.files, answer.bytes = len(wanted), sum(part.bytes for part in wanted)
    return answer


def _planned(
    sql: str,
    schemas: dict[str, Any],
    parts: list[Part],
    within: Limits,
    deadline: float,
    check: Callable[[], object],
) -> dict[str, set[str]]:
    """Of each table that the query reads, the periods."""
    question = {
        "step": "plan",
        "sql": sql,
        "tables": schemas,
        "periods": tables.periods(parts),
    }
    with tempfile.TemporaryDirectory(prefix="lake-query-") as folder:
        lines = list(
            process.ask(question, folder=folder, limits=within, deadline=deadline, check=check)
        )
    if not lines:
        raise QueryRefused("The query could not be planned. Make it simpler.")
    return {name: set(periods) for name, periods in lines[-1]["reads"].items()}


def _gathered(lines: Iterator[Any]) -> Answer:
    answer, done = Answer(), False
    for line in lines:
        if isinstance(line, list):
            answer.rows.append(line)
        elif "columns" in line:
            answer.columns = [(name, kind) for name, kind in line["columns"]]
        else:
            answer.cut, done = line["cut"], True
    if not done:
        raise QueryRefused("The query ended before its result was complete. Run it again.")
    return answer
