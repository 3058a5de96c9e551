"""Change events as a DynamoDB stream gives them, and archives made of them by the real code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

from demand.archiving import archive
from demand.models import Batch

_numbers = count(1)

DEMAND = {
    "type": "demand",
    "fanId": "fan-1",
    "eventId": "event-1",
    "saleId": "sale-1",
    "eventName": "The Tour",
    "phoneNumber": "+12025550123",
    "email": "anna@example.com",
    "contactMethod": "sms",
    "systemUserId": "legacy.db7.member-123456",
    "date": {"requested": "2026-10-01T12:00:00Z"},
}
NOTIFICATION = {
    "type": "notification",
    "fanId": "fan-1",
    "eventId": "event-1",
    "saleId": "sale-1",
    "messageBody": "Dear Anna, the sale begins",
    "phoneNumber": "+12025550123",
    "email": "anna@example.com",
    "date": {"created": "2026-10-02T12:00:00Z"},
}
EVENT = {
    "type": "event",
    "id": "event-1",
    "name": "The Tour in Leeds",
    "date": {"firstSeen": "2026-09-01T12:00:00Z", "updated": "2026-09-01T12:00:00Z"},
}
SALE = {
    "type": "sale",
    "id": "sale-1",
    "eventId": "event-1",
    "name": "Presale",
    "saleStartDateTime": "2026-11-01T09:00:00Z",
}


def wire(value: Any) -> dict[str, Any]:
    """A Python value as DynamoDB's wire format has it."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case dict():
            return {"M": {name: wire(inner) for name, inner in value.items()}}
        case list():
            return {"L": [wire(inner) for inner in value]}
    return {"S": str(value)}


def change(
    record: dict[str, Any],
    name: str = "INSERT",
    /,
    *,
    at: float = 1_790_000_000,
    sequence: int = 1,
    **values: Any,
) -> bytes:
    """A change event: `values` are laid over the record; `at` in seconds since 1970."""
    image = {field: wire(value) for field, value in (record | values).items()}
    which = "OldImage" if name == "REMOVE" else "NewImage"
    stream = {which: image, "SequenceNumber": str(sequence), "ApproximateCreationDateTime": at}
    return json.dumps({"eventName": name, "dynamodb": stream}).encode()


def archived(raws: Sequence[bytes], *, source: str = "kinesis:demand-stream/shard-0") -> Batch:
    """A batch of these events, through the archive's own code."""
    first = str(next(_numbers))
    return archive.archive(archive.claim(source, first, first, len(raws)), raws)
