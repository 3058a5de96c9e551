"""A file of change events, one JSON object a line → batches. The same bytes give the same batches.
[D-1]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from datalake.storage.unpacking import (
    PIECE,
    UNREADABLE,
    Bounds,
    PackedTooTightly,
    TooManyBytes,
    bounded_pieces,
    unpacked,
)
from demand.archiving.batches import MOST_EVENTS
from demand.choices import ErrorType
from demand.errors import UnreadableEvents
from demand.events.conversion import MOST_EVENT_BYTES, Failed
from demand.events.envelopes import BOM
from demand.events.error_entries import MOST_PARSED_BYTES, kept

MOST_BYTES = 32 << 20  # of a batch; reached by uncommonly large events only
# change events repeat their keys and pack to a tenth
LARGEST_RATIO = 200
RATIO_FROM_BYTES = 64 << 20


@dataclass(slots=True)
class Lines:
    """Events that lie together, and the numbers of their lines, from 1. `end` is the last line that
    was read for them.
    """

    raws: list[bytes | Failed] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bytes: int = 0
    end: int = 0

    @property
    def first(self) -> str:
        return str(self.numbers[0])

    @property
    def last(self) -> str:
        return str(self.numbers[-1])


def batches_of(file: BinaryIO) -> Iterator[Lines]:
    """The events of a whole file, up to 1,000 and 32 MiB at a time; blank lines are passed over and
    no events.

    A line that is longer than any event could be kept comes as Failed, and is never held whole.
    Raises UnreadableEvents.
    """
    text, lines, number = unpacked(file), Lines(), 0
    try:
        while line := text.readline(MOST_PARSED_BYTES + 1):
            number += 1
            event: bytes | Failed = line
            if len(line) > MOST_PARSED_BYTES:
                event = _too_long(line, text)
            elif line.isspace() or (number == 1 and line.strip() == BOM):
                lines.end = number
                continue
            else:
                event = line.rstrip(b"\r\n")
            lines.raws.append(event)
            lines.numbers.append(number)
            lines.bytes += len(line)
            lines.end = number
            if len(lines.raws) == MOST_EVENTS or lines.bytes >= MOST_BYTES:
                yield lines
                lines = Lines()
    except UNREADABLE as error:
        raise _breaks_off(error) from error
    if lines.raws:
        yield lines


def _too_long(head: bytes, text: BinaryIO) -> Failed:
    size, piece = len(head), head
    while not piece.endswith(b"\n") and (piece := text.readline(PIECE)):
        size += len(piece)
    size -= piece.endswith(b"\n")
    return Failed(
        ErrorType.TOO_LARGE, f"{size:,} bytes, more than {MOST_EVENT_BYTES:,}", kept(head)
    )


def count_lines(file: BinaryIO, *, most_bytes: int) -> int:
    """How many lines the file has, its last one need not end; and the proof that it can be read to
    its end.

    Raises UnreadableEvents, also for what unpacks to more than `most_bytes`, or to far more than
    change events do.
    """
    ends, last = 0, b"\n"
    try:
        for piece in bounded_pieces(file, Bounds(most_bytes, LARGEST_RATIO, RATIO_FROM_BYTES)):
            ends += piece.count(b"\n")
            last = piece[-1:]
    except TooManyBytes as error:
        raise UnreadableEvents(
            f"The file is larger than {most_bytes:,} bytes, which is the limit. Split it"
            " and upload the parts."
        ) from error
    except PackedTooTightly as error:
        raise UnreadableEvents(
            f"The file unpacks to more than {LARGEST_RATIO} times its size, which is not"
            " normal for change events. Check the program that created it."
        ) from error
    except UNREADABLE as error:
        raise _breaks_off(error) from error
    return ends + (last != b"\n")


def _breaks_off(error: Exception) -> UnreadableEvents:
    return UnreadableEvents(f"The file is incomplete or damaged ({error}). Upload it again.")
