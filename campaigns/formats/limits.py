"""How much a file may hold, packed and unpacked: looked at before anything is written. [S-1]"""

from __future__ import annotations

import io
from typing import BinaryIO

from campaigns.errors import UnreadableFile
from campaigns.formats.score_bytes import READ_BYTES, UNREADABLE, unpacked

# rows of fans pack to a third or a tenth; gzip at its best packs 1,030 zeros into one byte
LARGEST_RATIO = 100
RATIO_FROM_BYTES = 64 * 1024 * 1024


def require_bounded(file: BinaryIO, *, most_bytes: int) -> None:
    """Refuse a file larger than `most_bytes`, or a .gz that unpacks to more, or to far more than
    rows of fans do.

    A .gz is unpacked once, piece by piece, and no further than the limit; so one that is broken is
    refused here, too. Raises UnreadableFile.
    """
    if file.seek(0, io.SEEK_END) > most_bytes:
        raise too_large(most_bytes)
    text = unpacked(file)
    if text is file:
        return
    size = 0
    try:
        while block := text.read(READ_BYTES):
            size += len(block)
            if size > most_bytes:
                raise UnreadableFile(
                    f"The file unpacks to more than {most_bytes:,} bytes, the most that is taken:"
                    " split it."
                )
            if size > max(RATIO_FROM_BYTES, LARGEST_RATIO * file.tell()):
                raise UnreadableFile(
                    f"The file unpacks to more than {LARGEST_RATIO} times its size, as no score"
                    " file does: look into what made it."
                )
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file is compressed but cannot be unpacked ({error}): pack it again with gzip."
        ) from error


def too_large(most_bytes: int) -> UnreadableFile:
    return UnreadableFile(
        f"The file is larger than {most_bytes:,} bytes, the most that is taken: split it."
    )
