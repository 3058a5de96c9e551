"""An error file's events as people may read and repair them. [BR-014, D-4]"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from console.demand.fields import SCRUBBED, cut, laid_out
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from demand.models import ErrorFile
from operations.adminkit.plaintext import visible

EVENTS = 20  # on a page
LARGEST_FILE = 64 << 20  # bytes; a larger one is not read while a user waits
LONGEST_SHOWN = 20_000  # characters
LONGEST_TO_REPAIR = 50_000
RAW = re.compile(r'\s*\{\s*"raw"\s*:\s*"(?P<raw>[A-Za-z0-9+/=]*)"\s*\}\s*')


@dataclass(frozen=True)
class FailedEvent:
    """An event that was not archived: its place among those of its file from 0, its position at the
    source, why it failed, and its text. `scrubbed`: something was taken out of it; `raw`: it was no
    JSON, and its text is what its bytes say.
    """

    number: int
    position: str
    message: str
    text: str
    scrubbed: bool
    raw: bool

    @property
    def shown(self) -> str:
        """For a page: a line for each member, every character visible, not endless."""
        text = cut(self.text, LONGEST_SHOWN)
        return visible(text if self.raw else laid_out(text))

    @property
    def line(self) -> str:
        """As one line of a form in which it is repaired; blank if it is too long for that."""
        return (
            visible(re.sub(r"[\r\n]+", " ", self.text))
            if len(self.text) <= LONGEST_TO_REPAIR
            else ""
        )


@dataclass(frozen=True)
class Document:
    """What an error file holds, or `why` it cannot be shown."""

    events: list[FailedEvent]
    why: str = ""


def read(error_file: ErrorFile) -> Document:
    """The events of the file in their order."""
    bucket = buckets.campaign_data()
    try:
        if bucket.size(error_file.key) > LARGEST_FILE:
            return Document(
                [], "The file is too large to be shown here. It can still be replayed unchanged."
            )
        with bucket.open(error_file.key) as source:
            document = json.load(source)
    except (NoSuchObject, OSError):
        return Document([], "The file cannot be read from the bucket. Try again later.")
    except (ValueError, RecursionError):
        return Document(
            [],
            (
                "The file in the bucket is not an error file of this archive. It may have been"
                " replaced."
            ),
        )
    if not isinstance(document, dict) or not isinstance(document.get("events"), list):
        return Document(
            [],
            (
                "The file in the bucket is not an error file of this archive. It may have been"
                " replaced."
            ),
        )
    events, details = document["events"], document.get("details") or []
    pairs: Iterable[tuple[Any, Any]] = zip_longest(events, details[: len(events)], fillvalue={})
    return Document([_event(number, text, detail) for number, (text, detail) in enumerate(pairs)])


def _event(number: int, kept: Any, detail: Any) -> FailedEvent:
    text, details = str(kept), detail if isinstance(detail, dict) else {}
    found = RAW.fullmatch(text)
    if found:
        text = _decoded(found["raw"])
    scrubbed = any(mark in text for mark in SCRUBBED)
    return FailedEvent(
        number,
        str(details.get("position", "")),
        str(details.get("message", "")),
        text,
        scrubbed,
        found is not None,
    )


def _decoded(raw: str) -> str:
    try:
        return base64.b64decode(raw).decode("utf-8", "backslashreplace")
    except binascii.Error:
        return raw
