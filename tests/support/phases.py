"""Where a score file can be caught at work: its process waits for a lock that the test holds, and
can be hit there in peace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from tests.support.waiting import wait_until

# in this order: what one phase does is not yet done when the process is caught in the one before
PHASES = {
    "indexing": ("campaigns_fanscore_{score_file}", "ROW EXCLUSIVE"),
    "publishing": ("datalake_streambatch", "SHARE"),
    "attaching": ("campaigns_fanscore", "SHARE UPDATE EXCLUSIVE"),
}


@contextmanager
def caught_in(phase: str, parameters: dict[str, Any]) -> Iterator[Callable[[], object]]:
    """Hold what the phase needs, from as early on as there is something to hold. Call what it gives
    to wait until the process stands before it. `parameters` are psycopg's.
    """
    with (
        closing(psycopg.connect(**parameters, autocommit=True)) as looking,
        closing(psycopg.connect(**parameters)) as holding,
    ):
        table, mode = PHASES[phase]
        table = table.format(score_file=wait_until(lambda: _the_file(looking), "a score file"))
        wait_until(
            lambda: looking.execute("SELECT to_regclass(%s)", [table]).fetchone()[0],
            f"table {table}",
        )
        holding.execute(f"LOCK TABLE {table} IN {mode} MODE")
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s)"
        yield lambda: wait_until(
            lambda: looking.execute(waits, [table]).fetchone(), f"a process that waits for {table}"
        )


def _the_file(looking: psycopg.Connection) -> int:
    found = looking.execute("SELECT max(id) FROM campaigns_scorefile").fetchone()
    return found[0] if found else 0
