"""A file of change events, one JSON object a line → batches. The same bytes give the same batches.
[D-1]
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from demand.archiving.batches import MOST_EVENTS
from demand.choices import ErrorType
from demand.errors import UnreadableEvents
from demand.events.conversion import MOST_EVENT_BYTES, Failed
from demand.events.envelopes import BOM
from demand.events.error_entries import MOST_PARSED_BYTES, kept

GZIP_MAGIC = b"\x1f\x8b"
MOST_BYTES = 32 << 20  # of a batch; reached by uncommonly large events only
PIECE = 1 << 20
# change events repeat their keys and pack to a tenth; gzip at its best packs 1,030 zeros into one
# byte
LARGEST_RATIO = 200
RATIO_FROM_BYTES = 64 << 20
UNREADABLE = (OSError, EOFError, zlib.error)  # what reading on disk or through gzip can raise


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


def unpacked(file: BinaryIO) -> BinaryIO:
    """The file from its start, decompressed if it is gzip: told by its first bytes, not by its
    name.
    """
    file.seek(0)
    magic = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if magic == GZIP_MAGIC else file


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
    text = unpacked(file)
    ends = size = 0
    last = b"\n"
    try:
        while block := text.read(PIECE):
            ends += block.count(b"\n")
            last = block[-1:]
            size += len(block)
            if size > most_bytes:
                raise UnreadableEvents(
                    f"The file holds more than {most_bytes:,} bytes, the most that is taken:"
                    " split it."
                )
            if text is not file and size > max(RATIO_FROM_BYTES, LARGEST_RATIO * file.tell()):
                raise UnreadableEvents(
                    f"The file unpacks to more than {LARGEST_RATIO} times its size, as no change"
                    " events do: look into what made it."
                )
    except UNREADABLE as error:
        raise _breaks_off(error) from error
    return ends + (last != b"\n")


def _breaks_off(error: Exception) -> UnreadableEvents:
    return UnreadableEvents(f"The file breaks off or cannot be read on ({error}). Upload it again.")
