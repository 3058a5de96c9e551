"""A record's reference and its partition date, by its type. Pure. [BR-006, BR-008 … BR-011, D-7]

A date that is read must be one: a date that is there and cannot be read is an error, never a guess.
Days are UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from demand.choices import ErrorType
from demand.errors import BadEvent
from demand.events import dates
from operations import instants

LONGEST_REFERENCE = 800  # characters
MOST_REFERENCE_BYTES = 2_600  # an index row of PostgreSQL takes 2,700


def _finish_demand(record: dict[str, Any], changed: datetime) -> tuple[dict[str, str], str]:
    """The reference's time is the newest of date.*; the day is that of date.requested. [BR-008]"""
    reference = _id(record, "eventId", "saleId", "fanId")
    date = record["date"]
    newest, stamp = requested = _read_date("date.requested", date["requested"])
    for name in ("triggered", "notified", "deleted"):
        if date[name] is not None:
            moment = _read_date(f"date.{name}", date[name])
            if moment[0] > newest:
                newest, stamp = moment
    return {"id": reference, "timestamp": stamp}, requested[1][:10]


def _finish_notification(record: dict[str, Any], changed: datetime) -> tuple[dict[str, str], str]:
    """[BR-009]"""
    reference = _id(record, "eventId", "saleId", "fanId")
    date = record["date"]
    day = _read_date("date.created", date["created"])[1][:10]
    return {"id": reference, "timestamp": _newest_of(date, "updated", changed)}, day


def _finish_event(record: dict[str, Any], changed: datetime) -> tuple[dict[str, str], str]:
    """The day is that of date.firstSeen, else of the event's start, else of the change. [BR-010]"""
    reference = _id(record, "id")
    date = record["date"] or {}
    start = (record["eventDate"] or {}).get("start") or {}
    if date.get("firstSeen") is not None:
        day = _read_date("date.firstSeen", date["firstSeen"])[1]
    elif start.get("dateTime") is not None:
        day = _read_date("eventDate.start.dateTime", start["dateTime"])[1]
    else:
        day = instants.stamp(changed)
    return {"id": reference, "timestamp": _newest_of(date, "updated", changed)}, day[:10]


def _finish_sale(record: dict[str, Any], changed: datetime) -> tuple[dict[str, str], str]:
    """[BR-011]"""
    reference = _id(record, "eventId", "id")
    start = _read_date("saleStartDateTime", record["saleStartDateTime"])[1]
    deleted = (record["date"] or {}).get("deleted")
    stamp = start if deleted is None else _read_date("date.deleted", deleted)[1]
    return {"id": reference, "timestamp": stamp}, start[:10]


def _newest_of(date: dict[str, Any], fallback: str, changed: datetime) -> str:
    """date.deleted, else the fallback, else the time of the change."""
    for name in ("deleted", fallback):
        if date.get(name) is not None:
            return _read_date(f"date.{name}", date[name])[1]
    return instants.stamp(changed)


def _read_date(field: str, text: str | None) -> tuple[datetime, str]:
    """The instant and its stamp. [D-7]"""
    if text is None:
        raise BadEvent(ErrorType.INVALID_DATE, f"{field}: missing")
    try:
        return dates.read(text)
    except ValueError as error:
        raise BadEvent(ErrorType.INVALID_DATE, f"{field}: {error}") from None


def _id(record: dict[str, Any], *names: str) -> str:
    """The ids joined by `_`. [BR-006]"""
    try:
        text = "_".join([record[name] for name in names])
    except TypeError:
        missing = next(name for name in names if record[name] is None)
        raise BadEvent(ErrorType.INVALID_FIELD, f"{missing}: missing or empty") from None
    if len(text) > LONGEST_REFERENCE or len(text.encode()) > MOST_REFERENCE_BYTES:
        most = f"{LONGEST_REFERENCE} characters or {MOST_REFERENCE_BYTES} bytes"
        raise BadEvent(ErrorType.INVALID_FIELD, f"reference.id: longer than {most}")
    return text


# Each gives the reference of a record and its partition date.
FINISH: dict[str, Callable[[dict[str, Any], datetime], tuple[dict[str, str], str]]] = {
    "demand": _finish_demand,
    "notification": _finish_notification,
    "event": _finish_event,
    "sale": _finish_sale,
}
