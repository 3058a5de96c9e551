"""Several reads that see the database as it was at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from operations.database.statements import run, unhurried

IDLE = "idle_in_transaction_session_timeout"


@contextmanager
def one_snapshot(*, read_only: bool = False) -> Iterator[None]:
    """All statements inside see what was committed when the first of them began, however long is
    computed between them. Inside a transaction of the caller's, they see what that sees.
    `read_only`: PostgreSQL refuses what would write.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if read_only:
            run("SET TRANSACTION READ ONLY")
        with unhurried(limits=(IDLE,)):
            yield
