"""Dates of change events: read from ISO 8601 or a number, kept in UTC, written one way. Pure. [D-2,
D-7, T-5]
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from operations import instants

# Python reads more than people write: 1701010912345, a number of milliseconds, would be 12:34 on a
# day of 1701.
_SHAPE = re.compile(r"\d{4}(?:-\d\d-\d\d|\d{4})(?:[Tt ]\d.*)?", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_NUMBER = re.compile(r"\d{1,17}(?:\.\d{1,9})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Below: seconds until the year 5138, then milliseconds, then microseconds; each begins in 1973.
# [D-2]
_SECONDS_BELOW, _MILLISECONDS_BELOW, _MICROSECONDS_BELOW = 10**11, 10**14, 10**17


def parse(text: str) -> datetime:
    """An ISO 8601 date, or date and time, as an instant in UTC; naive ones are UTC, a date alone is
    its midnight.

    Raises ValueError, without the text.
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError("not an ISO 8601 date")
    try:
        instant = datetime.fromisoformat(text.upper())
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("not an ISO 8601 date") from None


def read(text: str) -> tuple[datetime, str]:
    """The instant and its stamp. A text that is a stamp already is taken as it is. Raises
    ValueError.
    """
    if _STAMP.fullmatch(text):
        try:
            return datetime.fromisoformat(text), text
        except ValueError:
            raise ValueError("not an ISO 8601 date") from None
    instant = parse(text)
    return instant, instants.stamp(instant)


def of_change(value: Any) -> datetime:
    """ApproximateCreationDateTime: seconds, milliseconds or microseconds by magnitude, or ISO 8601.
    Raises ValueError. [D-2]
    """
    if type(value) is int or type(value) is float:
        return _of_number(value)
    if isinstance(value, str):
        text = value.strip()
        return (
            _of_number(float(text) if "." in text else int(text))
            if _NUMBER.fullmatch(text)
            else parse(text)
        )
    raise ValueError("not a date")


@lru_cache(maxsize=4096, typed=True)
def _of_number(value: int | float) -> datetime:
    if not 0 <= value < _MICROSECONDS_BELOW:
        raise ValueError("not a number of seconds, milliseconds or microseconds since 1970")
    if value < _SECONDS_BELOW:
        return _EPOCH + timedelta(seconds=value)
    if value < _MILLISECONDS_BELOW:
        return _EPOCH + timedelta(milliseconds=value)
    return _EPOCH + timedelta(microseconds=value)
