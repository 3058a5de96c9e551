"""A wave's name, its keys in the scoring bucket, and how long its codes are valid. [W-1, W-8,
K-2]
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from itertools import chain, count
from typing import NamedTuple
from zoneinfo import ZoneInfo

from operations import instants
from operations.instants import NaiveInstant
from waves.errors import BadDateKey, NaiveDate

GRACE = timedelta(hours=2)
"""So much later than its notify date a wave is still sent; later it is held. [W-11]"""
_DATE_KEY = re.compile(r"(\d{4})(\d{2})(\d{2})(-[1-9]\d{0,8})?", re.ASCII)
_OF_ATTEMPT = re.compile(r"wavePrep/[^/]+/prepped/attempts/[\d-]+\.(\d+)-(\d+)\.\w+", re.ASCII)


class Attempt(NamedTuple):
    """An attempt to prepare a wave: its job, and the number of the job's attempt. Later ones are
    greater.
    """

    job_id: int
    number: int


def wave_name(campaign_id: str, date_key: str) -> str:
    """`{campaign_id}_{date_key}`. Raises BadDateKey. [W-1]"""
    return f"{campaign_id}_{checked_date_key(date_key)}"


def checked_date_key(date_key: str) -> str:
    """The key itself where it reads YYYYMMDD or YYYYMMDD-n and names a day. Raises BadDateKey.
    [W-1]
    """
    found = _DATE_KEY.fullmatch(date_key)
    try:
        if not found:
            raise ValueError
        date(*(int(part) for part in found.groups()[:3]))
    except ValueError as error:
        raise BadDateKey(
            f"{date_key!r} is not a date key. Write YYYYMMDD or YYYYMMDD-n, such as 20260120-2."
        ) from error
    return date_key


def next_date_key(day: date, taken: Collection[str]) -> str:
    """The first key of the day that is not taken: YYYYMMDD, then YYYYMMDD-2, -3 … [W-1]"""
    first = f"{day:%Y%m%d}"
    keys = chain([first], (f"{first}-{number}" for number in count(2)))
    return next(key for key in keys if key not in taken)


def market_file_key(campaign_id: str, date_key: str) -> str:
    return f"wavePrep/{campaign_id}/data/{date_key}.csv"


def zip_key(campaign_id: str, date_key: str) -> str:
    """Where others find a prepared wave's zip: a copy of the one that counts. [W-8]"""
    return f"wavePrep/{campaign_id}/prepped/prepped.{date_key}.zip"


def attempt_prefix(campaign_id: str, date_key: str) -> str:
    """What the keys begin with under which the attempts to prepare a wave keep their files."""
    return f"wavePrep/{campaign_id}/prepped/attempts/{date_key}."


def attempt_key(prefix: str, attempt: Attempt, ending: str) -> str:
    """Where one attempt, and no other, keeps a file; the wave's row says which one counts. [O-6]"""
    return f"{prefix}{attempt.job_id}-{attempt.number}.{ending}"


def attempt_of(key: str) -> Attempt | None:
    """Which attempt keeps its file under this key; None for any other key."""
    found = _OF_ATTEMPT.fullmatch(key)
    return Attempt(int(found[1]), int(found[2])) if found else None


def status_key(campaign_id: str, date_key: str) -> str:
    return f"wavePrep/{campaign_id}/status/{date_key}.json"


def code_validity(notify_date: datetime, time_zone: str) -> tuple[datetime, datetime]:
    """Begin = 24 hours before the notify date, end = a calendar year after it by the clocks of the
    campaign's zone (29 February → 28), both in UTC. A time that the clocks skip on that day is as
    much later as they are put forward. [K-2]
    """
    moment = aware(notify_date).astimezone(UTC)
    there = moment.astimezone(ZoneInfo(time_zone))
    try:
        end = there.replace(year=there.year + 1)
    except ValueError:
        end = there.replace(year=there.year + 1, day=28)
    return moment - timedelta(days=1), end.astimezone(UTC)


def aware(moment: datetime) -> datetime:
    """The moment itself. Raises NaiveDate where it has no offset."""
    try:
        return instants.aware(moment)
    except NaiveInstant as error:
        raise NaiveDate(str(error)) from error
