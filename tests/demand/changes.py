"""Change events of all four types for the tests of pure modules: made from plain records, judged at
a fixed time.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import strategies as st

from demand.events.conversion import Archived, Failed, judge
from demand.events.images import MADE
from tests.support.change_events import DEMAND, EVENT, NOTIFICATION, SALE, wire

NOW = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
CHANGED = 1_790_000_000.25  # 2026-09-21T14:13:20.250Z
RECORDS = {"demand": DEMAND, "notification": NOTIFICATION, "event": EVENT, "sale": SALE}
TYPES = list(RECORDS)
NAMES = ["INSERT", "MODIFY", "REMOVE"]
CHANGES = [(record_type, name) for record_type in TYPES for name in NAMES]
FIELDS = st.sampled_from(
    [
        *{field for record in RECORDS.values() for field in record},
        *MADE,
        "eventDate",
        "requestedDateTime",
    ]
)


def image_of(
    record: dict[str, Any], /, *, without: tuple[str, ...] = (), **values: Any
) -> dict[str, Any]:
    """The record as DynamoDB's wire format has it; values that are a `Wire` are put in as they
    are.
    """
    fields = {name: value for name, value in (record | values).items() if name not in without}
    return {
        name: value.wire if isinstance(value, Wire) else wire(value)
        for name, value in fields.items()
    }


class Wire:
    """A value that is in wire format already."""

    def __init__(self, value: Any) -> None:
        self.wire = value


def event(name: str, image: Any, **change: Any) -> dict[str, Any]:
    """A DynamoDB stream record; REMOVE has an old image, the others both, the old one of another
    fan.
    """
    images = (
        {"OldImage": image}
        if name == "REMOVE"
        else {"NewImage": image, "OldImage": {"type": {"S": "old"}}}
    )
    stream = images | {"ApproximateCreationDateTime": CHANGED} | change
    stream = {key: value for key, value in stream.items() if value is not ...}
    return {"eventID": "1", "eventName": name, "eventSource": "aws:dynamodb", "dynamodb": stream}


def raw(
    record_type: str,
    name: str = "INSERT",
    /,
    *,
    without: tuple[str, ...] = (),
    change: Any = (),
    **values: Any,
) -> bytes:
    return orjson.dumps(
        event(name, image_of(RECORDS[record_type], without=without, **values), **dict(change))
    )


def lambda_record(data: bytes, sequence: str = "77") -> bytes:
    """A Kinesis record as Lambda is given it."""
    kinesis = {"partitionKey": "p", "sequenceNumber": sequence, "data": b64encode(data).decode()}
    return orjson.dumps(
        {"eventSource": "aws:kinesis", "eventName": "aws:kinesis:record", "kinesis": kinesis}
    )


def fetched_record(data: bytes, sequence: str = "77") -> bytes:
    """A Kinesis record as GetRecords gives it."""
    return orjson.dumps(
        {"Data": b64encode(data).decode(), "SequenceNumber": sequence, "PartitionKey": "p"}
    )


def archived(data: bytes, **given: Any) -> Archived:
    found = judge(data, now=NOW, **given)
    assert isinstance(found, Archived), found
    return found


def failed(data: bytes) -> Failed:
    found = judge(data, now=NOW)
    assert isinstance(found, Failed), found
    return found


def everything_in(text: bytes) -> bytes:
    """The bytes and, again and again, what their strings hold in base64: where a canary could
    hide.
    """
    found = [text]
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    left = [value]
    while left:
        held = left.pop()
        if isinstance(held, dict):
            left += [*held, *held.values()]
        elif isinstance(held, list):
            left += held
        elif isinstance(held, str):
            found.append(held.encode())
            try:
                found.append(everything_in(b64decode(held, validate=True)))
            except ValueError:
                continue
    return b"\n".join(found)
