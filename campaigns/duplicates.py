"""The first reading of a score file: its checksum, how many lines it has, and whose id stands in it twice. [S-3, S-12]"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from campaigns.errors import UnreadableFile
from campaigns.scorelines import Header, Lines, read_chunks, read_header

GZIP_MAGIC = b"\x1f\x8b"
IDS = ("global_user_id",)
LONGEST_HEADER = 64 * 1024
READ_BYTES = 1024 * 1024
UNREADABLE = (OSError, EOFError, zlib.error)  # what reading on disk or through gzip can raise


@dataclass(frozen=True)
class Survey:
    """What the first reading found: lines in all, and the line numbers (sorted) of rows whose fan id stands earlier."""

    header: Header
    lines: int
    duplicate_lines: npt.NDArray[np.int64]

    def are_duplicates(self, rows: pl.DataFrame) -> pl.Series:
        """For rows with `line`: Boolean, the fan id stands earlier in the file."""
        return (
            rows["line"].is_in(pl.Series(self.duplicate_lines).implode()) if len(self.duplicate_lines) else _never(rows.height)
        )


def _never(height: int) -> pl.Series:
    return pl.repeat(value=False, n=height, eager=True)


def sha256_of(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of what is left of the file."""
    digest, size = hashlib.sha256(), 0
    while block := file.read(READ_BYTES):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def unpacked(file: BinaryIO) -> BinaryIO:
    """The file from its start, decompressed if it is gzip: told by its first bytes, not by its name."""
    file.seek(0)
    magic = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if magic == GZIP_MAGIC else file


def open_lines(file: BinaryIO) -> tuple[Header, BinaryIO]:
    """The header, and the file standing behind it. Raises UnreadableFile. [S-1]"""
    text = unpacked(file)
    try:
        first_line = text.readline(LONGEST_HEADER)
    except UNREADABLE as error:
        raise UnreadableFile(
            f"The file is compressed but cannot be unpacked ({error}): compress it again with gzip."
        ) from error
    if len(first_line) == LONGEST_HEADER:
        raise UnreadableFile("This is no tab-separated text: its first line has no end within 64 KiB.")
    return read_header(first_line), text


def first_look(file: BinaryIO) -> Header:
    """The header of a file that has at least one row behind it. Raises UnreadableFile. [S-1]"""
    header, text = open_lines(file)
    try:
        has_rows = bool(text.read(1))
    except UNREADABLE as error:
        raise UnreadableFile(f"The file breaks off or cannot be read on ({error}). Upload it again.") from error
    if not has_rows:
        raise UnreadableFile("The file holds no row: only its first line, which names the columns.")
    return header


def chunks_of(file: BinaryIO, used: tuple[str, ...] | None = None) -> Iterator[Lines]:
    """The lines of a whole file in chunks, or only some of their columns; the same bytes give the same chunks.

    Raises UnreadableFile.
    """
    header, text = open_lines(file)
    header = replace(header, used=used or header.used)
    try:
        yield from read_chunks(text, header)
    except UNREADABLE as error:
        raise UnreadableFile(f"The file breaks off or cannot be read on ({error}). Upload it again.") from error


def survey(file: BinaryIO, sha256: str) -> Survey:
    """Read the file once. Raises UnreadableFile if its bytes are not those that were received. [S-12]

    Two readings decide about duplicates: 64-bit hashes of the ids find the few rows that may be some, and only their ids
    are held and compared. So ten million ids need 160 MB at most, and not a gigabyte.
    """
    file.seek(0)
    if sha256_of(file)[0] != sha256:
        raise UnreadableFile("The file is not what was uploaded: its checksum differs. Upload it again.")
    header, _ = open_lines(file)
    hashes, lines = [], 0
    for chunk in chunks_of(file, IDS):
        hashes.append(_ids(chunk)["global_user_id"].hash().to_numpy())
        lines += chunk.count
    if not lines:
        raise UnreadableFile("The file holds no row: only its first line, which names the columns.")
    repeated = _repeated(np.concatenate(hashes))
    return Survey(header, lines, _exact(file, repeated) if len(repeated) else np.array([], dtype=np.int64))


def _ids(chunk: Lines) -> pl.DataFrame:
    """`line` and `global_user_id` of the rows that have one; a malformed row has no id that could be trusted."""
    return chunk.rows.select("line", "global_user_id").filter(pl.col("global_user_id") != "")


def _repeated(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def _exact(file: BinaryIO, repeated: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    suspects = pl.Series(repeated).implode()
    found = [ids.filter(ids["global_user_id"].hash().is_in(suspects)) for ids in map(_ids, chunks_of(file, IDS))]
    later = pl.concat(found).filter(~pl.col("global_user_id").is_first_distinct())
    return later["line"].to_numpy()
