"""The bytes of a score file: unpacked, its header, its checksum, how many lines it has, and its
lines. [S-1, S-12]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from campaigns.errors import UnreadableFile
from campaigns.formats.headers import first_line_of
from campaigns.formats.score_rows import Header, Lines, read_chunks, read_header
from datalake.storage.unpacking import PIECE, UNREADABLE, unpacked


@dataclass(frozen=True)
class Survey:
    """What the first reading found: the header, and how many lines follow it."""

    header: Header
    lines: int


def sha256_of(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of what is left of the file."""
    digest, size = hashlib.sha256(), 0
    while block := file.read(PIECE):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def open_lines(file: BinaryIO) -> tuple[Header, BinaryIO]:
    """The header, and the file standing behind it. Raises UnreadableFile. [S-1]"""
    text = unpacked(file)
    try:
        first_line = first_line_of(text)
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file is compressed but cannot be unpacked ({error}). Compress it again with gzip."
        ) from error
    return read_header(first_line), text


def first_look(file: BinaryIO) -> Header:
    """The header of a file that has at least one row behind it. Raises UnreadableFile. [S-1]"""
    header, text = open_lines(file)
    try:
        has_rows = bool(text.read(1))
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file is incomplete or damaged ({error}). Upload it again."
        ) from error
    if not has_rows:
        raise UnreadableFile("The file has a header but no rows.")
    return header


def chunks_of(file: BinaryIO) -> Iterator[Lines]:
    """The lines of a whole file in chunks; the same bytes give the same chunks. Raises
    UnreadableFile.
    """
    header, text = open_lines(file)
    try:
        yield from read_chunks(text, header)
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file is incomplete or damaged ({error}). Upload it again."
        ) from error


def survey(file: BinaryIO, *sha256: str) -> Survey:
    """Read the file once, before any row is judged. [S-12]

    Raises UnreadableFile, also if its bytes are not those that were received, or kept without
    erased fans: none of `sha256`.
    """
    file.seek(0)
    if sha256_of(file)[0] not in sha256:
        raise UnreadableFile(
            "The file in the bucket is not the file that was uploaded: its checksum is"
            " different. Upload it again."
        )
    header, text = open_lines(file)
    try:
        lines = _count_lines(text)
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file is incomplete or damaged ({error}). Upload it again."
        ) from error
    if not lines:
        raise UnreadableFile("The file has a header but no rows.")
    return Survey(header, lines)


def _count_lines(text: BinaryIO) -> int:
    """Of what is left of the file; the last line need not end."""
    ends, last = 0, b"\n"
    while block := text.read(PIECE):
        ends += block.count(b"\n")
        last = block[-1:]
    return ends + (last != b"\n")
