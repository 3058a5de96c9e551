"""How much a file may hold, packed and unpacked: looked at before anything is written. [S-1]"""

from __future__ import annotations

import io
from typing import BinaryIO

from campaigns.errors import UnreadableFile
from datalake.storage.unpacking import (
    UNREADABLE,
    Bounds,
    PackedTooTightly,
    TooManyBytes,
    bounded_pieces,
    is_packed,
)

# rows of fans pack to a third or a tenth
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
    if not is_packed(file):
        return
    try:
        for _ in bounded_pieces(file, Bounds(most_bytes, LARGEST_RATIO, RATIO_FROM_BYTES)):
            pass
    except TooManyBytes as error:
        raise UnreadableFile(
            f"The file is larger than {most_bytes:,} bytes when unpacked, which is the"
            " limit. Split it and upload the parts."
        ) from error
    except PackedTooTightly as error:
        raise UnreadableFile(
            f"The file unpacks to more than {LARGEST_RATIO} times its size, which is not"
            " normal for rows of fans or codes. Check the program that created it."
        ) from error
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file is compressed but cannot be unpacked ({error}). Compress it again with gzip."
        ) from error


def too_large(most_bytes: int) -> UnreadableFile:
    return UnreadableFile(
        f"The file is larger than {most_bytes:,} bytes, which is the limit. Split it"
        " and upload the parts."
    )
