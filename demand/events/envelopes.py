"""Bytes → change event: a DynamoDB stream record, bare or carried by Kinesis in base64. Pure. [D-1]

Kinesis carries it as Lambda gives it, `{"kinesis": {"data": …, "sequenceNumber": …}}`, or as
GetRecords gives it, `{"Data": …, "SequenceNumber": …}`.
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64
from typing import Any, NamedTuple

import orjson

from demand.choices import ErrorType
from demand.errors import BadEvent

BOM = b"\xef\xbb\xbf"


class Opened(NamedTuple):
    """A change event, the JSON it was read from, and the number that its envelope gives it (None:
    it has none).
    """

    event: dict[str, Any]
    json: bytes
    sequence: Any


def open_event(raw: bytes) -> Opened:
    """The change event in these bytes. Raises BadEvent: NOT_UTF8, NOT_JSON, WRONG_ENVELOPE."""
    event = parse(raw)
    if type(event) is dict:
        if "dynamodb" in event:
            return Opened(event, raw, None)
        if carried := carried_by(event):
            return _unpacked(*carried)
        if "Records" in event:
            raise BadEvent(
                ErrorType.WRONG_ENVELOPE, "Records: put each record on a line of its own"
            )
    raise BadEvent(
        ErrorType.WRONG_ENVELOPE, "neither a DynamoDB stream record nor one in a Kinesis record"
    )


def carried_by(event: dict[str, Any]) -> tuple[Any, Any] | None:
    """The data of a Kinesis record and its sequence number, as written there; None for anything
    else.
    """
    kinesis = event.get("kinesis")
    if isinstance(kinesis, dict) and "data" in kinesis:
        return kinesis["data"], kinesis.get("sequenceNumber")
    return (event["Data"], event.get("SequenceNumber")) if "Data" in event else None


def with_data(event: dict[str, Any], data: str) -> dict[str, Any]:
    """The Kinesis record with other data."""
    if "Data" in event:
        return event | {"Data": data}
    return event | {"kinesis": event["kinesis"] | {"data": data}}


def _unpacked(data: Any, sequence: Any) -> Opened:
    try:
        inner = a2b_base64(data, strict_mode=True)
    except (NotBase64, ValueError, TypeError):
        raise BadEvent(
            ErrorType.WRONG_ENVELOPE, "the data of the Kinesis record: not base64"
        ) from None
    event = parse(inner)
    if type(event) is dict and "dynamodb" in event:
        return Opened(event, inner, sequence)
    raise BadEvent(
        ErrorType.WRONG_ENVELOPE, "the data of the Kinesis record: no DynamoDB stream record"
    )


def parse(raw: bytes) -> Any:
    """The JSON value; a byte order mark before it is passed over. Raises BadEvent: NOT_UTF8,
    NOT_JSON.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _parse_again(raw.removeprefix(BOM))


def _parse_again(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        position = error.pos
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise BadEvent(ErrorType.NOT_UTF8, f"not UTF-8 at byte {error.start + 1}") from None
    raise BadEvent(ErrorType.NOT_JSON, f"not JSON at character {position + 1}")
