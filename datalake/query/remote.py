"""A query that Athena runs: checked, started, looked at until it is over, stopped when we are, and
its rows fetched up to the limits. [L-8]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from django.conf import settings

from datalake.aws.athena import Athena, AthenaUnreachable, Page
from datalake.errors import QueryRefused
from datalake.query import process, tables
from datalake.query.local import Answer
from datalake.query.process import Limits

LOOK_SECONDS: Final = 0.5
HEADER_ROWS: Final = 1
_NUMBERS: Final[dict[str, Callable[[str], Any]]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "int", "bigint"), int),
    **dict.fromkeys(("float", "real", "double"), float),
    "boolean": lambda text: text == "true",
}


def is_configured() -> bool:
    """Whether queries go to Athena instead of our own engine."""
    return bool(settings.ATHENA_WORKGROUP)


def run(
    sql: str, *, within: Limits, check: Callable[[], object], athena: Athena | None = None
) -> Answer:
    """The answer to a query. `check` is called between two looks and may raise to stop it; then,
    and beyond the limit of time, the query is stopped in Athena, too.

    Raises QueryRefused, and AthenaUnreachable.
    """
    from datalake.query import one_select  # its reader of SQL is loaded only where it is needed

    deadline = time.monotonic() + within.seconds
    asked = athena or Athena(
        settings.ATHENA_WORKGROUP,
        settings.GLUE_DATABASE,
        output=settings.ATHENA_OUTPUT,
        endpoint=settings.AWS_ENDPOINT_URL,
    )
    names = [name.lower() for name in tables.schemas()]
    execution = asked.start(one_select.checked(sql, tables=names, database=asked.database))
    over = False
    try:
        bytes_read = _wait(asked, execution, within, deadline, check)
        over = True
    finally:
        if not over:
            with suppress(AthenaUnreachable):  # it ends by itself then
                asked.stop(execution)
    answer = _fetched(asked, execution, within, check)
    answer.bytes = bytes_read
    return answer


def _wait(
    athena: Athena,
    execution: str,
    within: Limits,
    deadline: float,
    check: Callable[[], object],
) -> int:
    """How many bytes were read, when it is over."""
    while True:
        check()
        found = athena.look(execution)
        if found.state == "SUCCEEDED":
            return found.bytes
        if found.state == "FAILED":
            raise QueryRefused(found.reason or "Athena could not run the query.")
        if found.state == "CANCELLED":
            raise QueryRefused("The query was cancelled in Athena.")
        if time.monotonic() > deadline:
            raise process.too_slow(within)
        time.sleep(LOOK_SECONDS)


def _fetched(athena: Athena, execution: str, within: Limits, check: Callable[[], object]) -> Answer:
    page = athena.page(execution)
    answer = Answer(columns=page.columns)
    rows, size = page.rows[HEADER_ROWS:], 0
    while True:
        for row in rows:
            size += sum(len(value or "") for value in row)
            if len(answer.rows) == within.rows or size > within.answer_bytes:
                answer.cut = True
                return answer
            answer.rows.append(_values(page, row))
        if not page.next:
            return answer
        check()
        page = athena.page(execution, after=page.next)
        rows = page.rows


def _values(page: Page, row: list[str | None]) -> list[Any]:
    return [
        None if value is None else _NUMBERS.get(kind, str)(value)
        for value, (_, kind) in zip(row, page.columns, strict=True)
    ]
