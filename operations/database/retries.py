"""Work that PostgreSQL ended for the sake of another transaction is done again, here only.

A deadlock (40P01) or a serialization failure (40001) means that nothing was written and that the
same work succeeds when it is repeated. One order of locks makes both rare; what is left is repeated
at once, so it is no failure for anyone to see.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

TRIES: Final = 5
DEADLOCK, SERIALIZATION_FAILURE = "40P01", "40001"


def retried(work: Callable[P, T]) -> Callable[P, T]:
    """`work` that is repeated, up to five times in all, when PostgreSQL ended its transaction.

    `work` is one statement, or one transaction: put `@retried` above `@transaction.atomic`. It must
    read all that it decides by inside. Within a caller's transaction nothing is repeated: that one
    is over, so the caller repeats the whole.
    """

    @wraps(work)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        if connection.in_atomic_block:
            return work(*args, **kwargs)
        for number in range(1, TRIES):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if not ended_for_another(error):
                    raise
                logger.info("transaction repeated", extra={"work": work.__name__, "try": number})
        return work(*args, **kwargs)

    return repeated


def ended_for_another(error: BaseException) -> bool:
    """Whether PostgreSQL ended the transaction so that another could go on."""
    return getattr(error.__cause__, "sqlstate", None) in {DEADLOCK, SERIALIZATION_FAILURE}
