"""What S3 says of new objects: its messages, as S3 itself, SNS or EventBridge words them → the
objects. [S-1]
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from campaigns.errors import UnknownEvent


@dataclass(frozen=True)
class Created:
    """An object that came, under the name by which S3 knows it in its bucket."""

    bucket: str
    name: str


def created_in(body: str) -> list[Created]:
    """The objects that a message says were created; none for a test event, or where something else
    happened to them.

    Raises UnknownEvent for what is no message of S3.
    """
    event = _as_object(body)
    if event.get("Type") == "Notification":  # by way of SNS
        event = _as_object(event.get("Message"))
    if event.get("Event") == "s3:TestEvent":
        return []
    try:
        if event.get("source") == "aws.s3":  # by way of EventBridge, which does not encode the key
            created = event["detail-type"] == "Object Created"
            return (
                [
                    Created(
                        _text(event["detail"]["bucket"]["name"]),
                        _text(event["detail"]["object"]["key"]),
                    )
                ]
                if created
                else []
            )
        return [_created(record["s3"]) for record in event["Records"] if _is_created(record)]
    except (KeyError, TypeError) as error:
        raise UnknownEvent(
            "The message is not an S3 event: its records are missing or incomplete."
        ) from error


def _is_created(record: dict[str, Any]) -> bool:
    if record["eventSource"] != "aws:s3":
        raise KeyError("eventSource")
    return _text(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:")


def _created(event: dict[str, Any]) -> Created:
    return Created(_text(event["bucket"]["name"]), unquote_plus(_text(event["object"]["key"])))


def _as_object(body: object) -> dict[str, Any]:
    try:
        event = json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):  # also what is nested too deeply to be read
        event = None
    if not isinstance(event, dict):
        raise UnknownEvent("The message is not an S3 event: it is not a JSON object.")
    return event


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
