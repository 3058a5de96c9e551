"""The database's clock, which judges what may happen only after a time, or only before it: one for
all machines.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from operations.database.statements import rows
from operations.errors import ClocksDiffer

MOST_APART = timedelta(minutes=1)


def database_time() -> datetime:
    """The time now, not that of the transaction's begin."""
    now: datetime = rows("SELECT clock_timestamp()")[0][0]
    return now


def agreed_time() -> datetime:
    """The database's time, where this machine's clock says about the same. Raises ClocksDiffer: one
    of them is wrong, and nobody can know which.
    """
    now, here = database_time(), timezone.now()
    if abs(now - here) > MOST_APART:
        raise ClocksDiffer(
            f"The database's clock says {now:%Y-%m-%d %H:%M:%S} UTC and this machine's"
            f" {here:%Y-%m-%d %H:%M:%S} UTC. Correct the one that is wrong, then try again."
        )
    return now
