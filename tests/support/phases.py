"""Where a score file can be caught at work: its process waits for a lock that the test holds, and
can be hit there in peace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

PATIENCE_SECONDS = 60
# in this order: what one phase does is not yet done when the process is caught in the one before
PHASES = {
    "indexing": ("campaigns_fanscore_{score_file}", "ROW EXCLUSIVE"),
    "publishing": ("datalake_streambatch", "SHARE"),
    "attaching": ("campaigns_fanscore", "SHARE UPDATE EXCLUSIVE"),
}


@contextmanager
def caught_in(phase: str, parameters: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """Hold what the phase needs, from as early on as there is something to hold. Call what it gives
    to wait until the process stands before it. `parameters` are psycopg's.
    """
    with (
        closing(psycopg.connect(**parameters, autocommit=True)) as looking,
        closing(psycopg.connect(**parameters)) as holding,
    ):
        table, mode = PHASES[phase]
        table = table.format(score_file=_eventually(lambda: _the_file(looking)))
        _eventually(lambda: looking.execute("SELECT to_regclass(%s)", [table]).fetchone()[0])
        holding.execute(f"LOCK TABLE {table} IN {mode} MODE")
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s)"
        yield lambda: _eventually(lambda: looking.execute(waits, [table]).fetchone())


def _the_file(looking: psycopg.Connection) -> int:
    found = looking.execute("SELECT max(id) FROM campaigns_scorefile").fetchone()
    return found[0] if found else 0


def _eventually(happens: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := happens()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)
    return found
