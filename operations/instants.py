"""Instants as text, in ISO 8601: read with their offset, written in UTC one way. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.utils.dateparse import parse_datetime


class NotAnInstant(ValueError):
    """The text is no date and time in ISO 8601."""


class NaiveInstant(ValueError):
    """A date and time without an offset: which instant it is would be a guess."""


def parse(text: str) -> datetime:
    """An ISO 8601 date and time with an offset. Raises NotAnInstant and NaiveInstant."""
    try:
        return aware(datetime.fromisoformat(text))
    except NaiveInstant:
        raise
    except ValueError as error:
        raise NotAnInstant(f"{text!r} is not an ISO 8601 date and time") from error


def parse_typed(text: str) -> datetime:
    """The same as people type it: also with one digit for a month or an hour."""
    try:
        instant = parse_datetime(text)
    except ValueError:
        instant = None
    if instant is None:
        raise NotAnInstant(f"{text!r} is not an ISO 8601 date and time")
    return aware(instant)


def aware(instant: datetime) -> datetime:
    """The instant itself. Raises NaiveInstant where it has no offset."""
    if instant.tzinfo is None:
        raise NaiveInstant(
            f"{instant.isoformat()} has no time zone offset. Add one, such as Z or +01:00."
        )
    return instant


def stamp(instant: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.sssZ` in UTC, the milliseconds cut off, not rounded; its first ten
    characters are the UTC day. Raises NaiveInstant. [T-5]
    """
    return aware(instant).astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def iso(instant: datetime | None) -> str | None:
    """As the public pages of draws write times: in UTC, to the microsecond; None of none. [S-10]"""
    return aware(instant).astimezone(UTC).isoformat() if instant else None


def in_words(instant: datetime) -> str:
    """`8 Mar 2026, 02:30 UTC`, as sentences say it."""
    return f"{aware(instant).astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def utc_day(instant: datetime) -> date:
    """The day that it is in UTC. Raises NaiveInstant."""
    return aware(instant).astimezone(UTC).date()
