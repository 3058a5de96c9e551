"""Files that may be packed with gzip: read within bounds, and written. Readers word the errors."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"
PIECE = 1 << 20
# What unpacking can raise for what the bytes are; any other OSError is the disk's.
UNREADABLE = (gzip.BadGzipFile, EOFError, zlib.error)


class TooManyBytes(Exception):
    """The file holds, or unpacks to, more bytes than are taken."""


class PackedTooTightly(Exception):
    """The file unpacks to more times its size than an honest one does."""


@dataclass(frozen=True)
class Bounds:
    """What a file may unpack to: bytes in all, and times of what was read so far. The ratio counts
    from `ratio_from_bytes` on: gzip at its best packs 1,030 zeros into one byte.
    """

    most_bytes: int
    largest_ratio: int
    ratio_from_bytes: int


def is_packed(file: BinaryIO) -> bool:
    """Decided by the file's first bytes, not by its name; afterwards it is at its start again."""
    file.seek(0)
    magic = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return magic == GZIP_MAGIC


def unpacked(file: BinaryIO) -> BinaryIO:
    """The file from its start, unpacked where it is packed; reading it can raise UNREADABLE."""
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if is_packed(file) else file


def packed(file: IO[bytes]) -> BinaryIO:
    """To be written to, and closed before the file is: packed, the same bytes for the same text."""
    return cast("BinaryIO", gzip.GzipFile("", "wb", fileobj=file, mtime=0))


def bounded_pieces(file: BinaryIO, bounds: Bounds) -> Iterator[bytes]:
    """What a file holds, unpacked piece by piece and no further than its bounds.

    Raises TooManyBytes, PackedTooTightly and UNREADABLE.
    """
    text, size = unpacked(file), 0
    while piece := text.read(PIECE):
        size += len(piece)
        if size > bounds.most_bytes:
            raise TooManyBytes
        if text is not file and size > max(
            bounds.ratio_from_bytes, bounds.largest_ratio * file.tell()
        ):
            raise PackedTooTightly
        yield piece
