"""How an error file keeps an event that could not be archived. Pure. [D-4]"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from typing import Any

import orjson

from demand.events.envelopes import BOM, carried_by, with_data
from demand.events.redaction import URL_SAFE, redact_bytes, redact_event

MOST_EVENT_BYTES = 2 << 20  # what is larger is not archived
MOST_PARSED_BYTES = 16 << 20
MOST_UNPARSED_BYTES = 64 << 10  # kept of what is not archived for its size and cannot be parsed
# left out behind a cut, where an address or number may be cut in two and not be seen
MARGIN_BYTES = 4 << 10
LIVING = ("INSERT", "MODIFY")
_ODD = re.compile(r"[^A-Za-z0-9+/]")


def kept(raw: bytes) -> str:
    """The event as JSON text: as it is for an INSERT or MODIFY, redacted by key for a REMOVE and
    where it is unknown.

    What cannot be parsed is `{"raw": base64}`, redacted by look; above 2 MiB only its beginning.
    [D-4]
    """
    text = raw.removeprefix(BOM)
    event = _loads(text) if len(text) <= MOST_PARSED_BYTES else None
    if event is None:
        return _unparsed(raw)
    if isinstance(event, dict) and "dynamodb" not in event and (carried := carried_by(event)):
        return _enveloped(event, carried[0], text)
    return text.decode() if _lives(event) else _dumped(redact_event(event), raw)


def _enveloped(event: dict[str, Any], data: Any, text: bytes) -> str:
    """The change event is what Kinesis carries; where that cannot be parsed, it is kept without its
    envelope.
    """
    if not isinstance(data, str):
        return _dumped(redact_event(event), text)
    json = _decoded(data)
    inner = _loads(json)
    if inner is None:
        return _unparsed(json)
    if _lives(inner):
        return text.decode()
    redacted = _dumped(redact_event(inner), json)
    around = redact_event(with_data(event, ""))
    return _dumped(with_data(around, b64encode(redacted.encode()).decode()), text)


def _decoded(data: str) -> bytes:
    """Base64 as far as it can be read: with foreign characters, of the other alphabet, or cut
    off.
    """
    try:
        return a2b_base64(data, strict_mode=True)
    except (NotBase64, ValueError):
        run = _ODD.sub("", data.translate(URL_SAFE))
        return a2b_base64(run[: len(run) - (len(run) % 4 == 1)] + "==")


def _loads(json: bytes) -> Any:
    """The JSON value; None if it cannot be parsed."""
    try:
        return orjson.loads(json)
    except orjson.JSONDecodeError:
        return None


def _lives(event: Any) -> bool:
    """Only of a stream record its eventName can be believed: in anything else, a deletion may stand
    further inside.
    """
    return (
        isinstance(event, dict)
        and isinstance(event.get("dynamodb"), dict)
        and event.get("eventName") in LIVING
    )


def _dumped(event: Any, raw: bytes) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:  # nested more deeply than can be written
        return _unparsed(raw)


def _unparsed(raw: bytes) -> str:
    if len(raw) <= MOST_EVENT_BYTES:
        return _dumped({"raw": b64encode(redact_bytes(raw)).decode()}, b"")
    redacted = redact_bytes(raw[: MOST_UNPARSED_BYTES + MARGIN_BYTES])
    head = redacted[: min(MOST_UNPARSED_BYTES, max(0, len(redacted) - MARGIN_BYTES))]
    return _dumped({"raw": b64encode(head).decode()}, b"")
