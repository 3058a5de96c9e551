"""Another connection beside the test's own, as another process has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import (
    DEFAULT_DB_ALIAS,
    OperationalError,
    connection,
    connections,
    transaction,
)
from psycopg.errors import LockNotAvailable

from campaigns.models import Campaign
from operations.database.locks import exclusive

T = TypeVar("T")
PATIENCE = "50ms"


class WouldWait(Exception):
    """The work would wait for a lock that somebody else holds."""


def elsewhere(work: Callable[[], T]) -> T:
    """`work` in a transaction of another connection, committed. Raises WouldWait instead of waiting
    for a lock.
    """

    def done() -> T:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
                return work()
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise WouldWait from error
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(done).result()


@contextmanager
def preparing(campaign: Campaign) -> Iterator[None]:
    """While a wave of the campaign is being prepared by another process."""
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        with exclusive(f"campaign {campaign.pk} selects", using=other):
            yield
    finally:
        other.close()
