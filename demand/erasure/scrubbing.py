"""A fan taken out of records and of kept events, and whether a text mentions a fan at all. Pure.
[X-11]
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from demand.errors import BadEvent
from demand.events.envelopes import open_event
from demand.events.redaction import PERSONAL, REDACTED

ERASED = "[erased]"
FIXED = frozenset(
    {"type", "eventId", "saleId", "artistId", "contactMethod", "demandType", "date", "isDeleted"}
)
IMAGES = ("Keys", "NewImage", "OldImage")
FANLESS = ("event", "sale")
DEPTH = 3  # base64 within base64: an event as Kinesis carries it, in what could not be parsed
SHORTEST_RUN = 4

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{4,}")
_BLANKS = re.compile(r"\s+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_STANDARD = str.maketrans("-_", "+/")

Speaks = Callable[[str], bool]


def reference_of(record: Mapping[str, Any], fan_id: str) -> str:
    """The reference that a demand or notification of this event and sale has if it is this fan's.
    [BR-006]
    """
    return f"{record.get('eventId')}_{record.get('saleId')}_{fan_id}"


def forget(record: Mapping[str, Any], fan_id: str) -> dict[str, Any]:
    """The fan's record without what leads to the fan; what is null stays null. Event, sale and
    dates stay. [X-11]
    """
    speaks = speaks_of(fan_id)
    kept = {
        name: value if name in FIXED else _without(value, speaks) for name, value in record.items()
    }
    kept |= {name: REDACTED for name in PERSONAL if record.get(name) is not None}
    kept |= {name: ERASED for name in ("fanId", "systemUserId") if record.get(name) is not None}
    if record.get("system") is not None:
        kept["system"] = {**kept["system"], "memberId": ERASED}
    if record.get("reference") is not None:
        kept["reference"] = {**record["reference"], "id": reference_of(record, ERASED)}
    return kept


def _without(value: Any, speaks: Speaks) -> Any:
    if isinstance(value, str):
        return ERASED if speaks(value) else value
    if isinstance(value, dict):
        return {name: _without(each, speaks) for name, each in value.items()}
    return value


def forget_events(document: Mapping[str, Any], fan_id: str) -> tuple[dict[str, Any], int]:
    """An error file's document in which the fan's events are gone, and how many these are. [D-4,
    X-11]

    An event that says whose it is, is believed, as in the archive; any other is the fan's if it
    mentions the fan at all. Raises ValueError for a document without a list of events.
    """
    events = document.get("events")
    if not isinstance(events, list):
        raise ValueError("no list of events")
    speaks = speaks_of(fan_id)

    def is_the_fans(event: Any) -> bool:
        text = event if isinstance(event, str) else str(event)
        named = fans_named_by(text)
        return speaks(text) if named is None else fan_id in named

    kept = [ERASED if is_the_fans(event) else event for event in events]
    return {**document, "events": kept}, sum(
        now != before for now, before in zip(kept, events, strict=True)
    )


def fans_named_by(event: str) -> set[str] | None:
    """Whose a change event is by its own fanId; none for events and sales. None where it does not
    say, or cannot be read.
    """
    try:
        change = open_event(event.encode("utf-8", "surrogatepass")).event["dynamodb"]
    except BadEvent:
        return None
    held = [change.get(name) for name in IMAGES] if isinstance(change, dict) else []
    images = [image for image in held if isinstance(image, dict)]
    if any(_text(image.get("type")) in FANLESS for image in images):
        return set()
    return {fan for image in images if (fan := _text(image.get("fanId"))) is not None} or None


def _text(wire: Any) -> str | None:
    """A string or number as the wire has it, trimmed; None for anything else."""
    if not isinstance(wire, dict) or len(wire) != 1:
        return None
    held = wire.get("S", wire.get("N"))
    return held.strip() if isinstance(held, str) else None


def speaks_of(fan_id: str) -> Speaks:
    """A function that says whether a text contains this id: as a whole word, escaped as JSON
    escapes, or inside base64.

    Letters, digits and hyphens beside it make it a part of another id; anything else (also the `_`
    of references) does not.
    """
    whole = re.compile(rf"(?<![^\W_])(?<!-){re.escape(fan_id)}(?![^\W_]|-)")
    least = max(SHORTEST_RUN, -(-len(fan_id.encode()) * 4 // 3))

    def speaks(text: str, depth: int = DEPTH) -> bool:
        for plain in _unescaped(text):
            if whole.search(plain):
                return True
            if depth and any(speaks(inner, depth - 1) for inner in _inside_base64(plain, least)):
                return True
        return False

    return speaks


def _unescaped(text: str) -> Iterator[str]:
    """The text, and what it says taken out of JSON's quotes once, twice, and so on."""
    yield text
    for _ in range(DEPTH + 1):
        if "\\" not in text:
            return
        text = _ESCAPE.sub(_letter, text)
        if re.search("[\ud800-\udfff]", text):  # two escapes can be one letter
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        yield text


def _letter(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _CONTROLS.get(escape[2], escape[2])


def _inside_base64(text: str, least: int) -> Iterator[str]:
    """What the text's runs of base64's letters may say, wherever in the run it begins; broken lines
    are joined.
    """
    for run in _BASE64.findall(_BLANKS.sub("", text)):
        if len(run) < least:
            continue
        for start in range(4):
            piece = run[start:].translate(_STANDARD)
            piece = piece[:-1] if len(piece) % 4 == 1 else piece
            yield base64.b64decode(piece + "=" * (-len(piece) % 4)).decode("utf-8", "replace")
