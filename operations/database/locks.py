"""Names of work → numbers of PostgreSQL's advisory locks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def lock_number(work: str) -> int:
    return int.from_bytes(hashlib.sha256(work.encode()).digest()[:8], "big", signed=True)


@contextmanager
def alone(work: str) -> Iterator[None]:
    """Only one process of all does this work at a time; others wait. The server lets go when the
    process dies.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [lock_number(work)])
    try:
        yield
    finally:
        _unlock(work)


@contextmanager
def alone_or_not(work: str) -> Iterator[bool]:
    """The same without waiting: False if another process does this work now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock_number(work)])
        (got_it,) = cursor.fetchone()
    try:
        yield got_it
    finally:
        if got_it:
            _unlock(work)


def _unlock(work: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [lock_number(work)])
