"""Bytes of a score file → frames of rows, chunk by chunk, whatever the bytes are. [S-1, S-3]

Lines are judged as bytes first: a row is well-formed if it has as many columns as the header, is
UTF-8 and holds no control character. Only such lines reach the parser, so the parser cannot stumble
and every line is counted.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import polars as pl

from campaigns.errors import UnreadableFile
from operations.entry.trimming import trim, trimmed

REQUIRED = (
    "id",
    "tmemail",
    "sms",
    "global_user_id",
    "member_id",
    "raw_local_fanscore",
    "country_code",
)
OPTIONAL = ("phone_confirmed",)
BLOCK_BYTES = 2 * 1024 * 1024
FIRST_BLOCK_BYTES = 1024 * 1024  # small ones first: who watches sees at once that rows are judged
LONGEST_LINE = 1024 * 1024  # bytes; a longer one is malformed, and is skipped without being held
# characters of a global_user_id: the database's indexes hold no longer ones, so such a row is
# malformed
LONGEST_ID = 500
KEPT_OF_A_LONG_LINE = 2_000
SAVE_AS = "Save it as tab-separated text in UTF-8. It can be compressed with gzip."

TAB, LF, CR, DEL, C1_LEAD = 9, 10, 13, 127, 0xC2
Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Header:
    """The columns of a file: all of them in order, those that are used, and those that are not."""

    columns: tuple[str, ...]
    used: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Lines:
    """Some consecutive lines: `rows` has `line` (Int64) and the used columns (String, trimmed,
    never null); `malformed` holds the line numbers of the others.
    """

    number: int
    first_line: int
    rows: pl.DataFrame
    malformed: list[int]
    block: bytes
    starts: Positions
    ends: Positions

    @property
    def count(self) -> int:
        return self.rows.height + len(self.malformed)

    def raws(self, lines: pl.Series) -> pl.Series:
        """Lines (their numbers, ascending) as in the file, unreadable bytes as \\xNN:
        `raw` (String).
        """
        at = (lines - self.first_line).to_numpy()
        starts, ends = self.starts[at], self.ends[at]
        if not len(at):
            texts = []
        elif (ends - starts > LONGEST_LINE).any():
            texts = [
                readable(_cut(self.block[start:end]))
                for start, end in zip(starts, ends, strict=True)
            ]
        else:
            chosen = np.zeros(len(self.ends), dtype=bool)
            chosen[at] = True
            data = np.frombuffer(self.block, dtype=np.uint8)
            kept = data[np.repeat(chosen, self.ends - self.starts + 1)].tobytes()
            texts = readable(kept.replace(b"\r\n", b"\n")).split("\n")[:-1]
        return pl.Series("raw", texts, dtype=pl.String)


def _cut(raw: bytes) -> bytes:
    return raw.removesuffix(b"\r") if len(raw) <= LONGEST_LINE else raw[:KEPT_OF_A_LONG_LINE]


def read_header(first_line: bytes) -> Header:
    """The header of a score file. Raises UnreadableFile for what no score file begins with.
    [S-1]
    """
    columns = _column_names(first_line.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n"))
    if len(columns) == 1 and "," in columns[0]:
        raise UnreadableFile(
            "The header (line 1) has commas and no tabs. Save the file as tab-separated"
            f" text, not as CSV. Required columns, in any order: {', '.join(REQUIRED)}."
        )
    if missing := [name for name in REQUIRED if name not in columns]:
        raise UnreadableFile(
            f"The header (line 1) is missing the column{'s' * (len(missing) > 1)}"
            f" {', '.join(missing)}. Required columns, separated by tabs, in any order:"
            f" {', '.join(REQUIRED)}."
        )
    used = tuple(name for name in columns if name in REQUIRED + OPTIONAL)
    if len(set(used)) < len(used):
        twice = sorted({name for name in used if used.count(name) > 1})
        raise UnreadableFile(
            f"The header (line 1) has a column twice: {', '.join(twice)}. Keep one of each."
        )
    return Header(columns, used, tuple(name for name in columns if name not in used))


def _column_names(text: bytes) -> tuple[str, ...]:
    if not text.strip():
        raise UnreadableFile(
            "The file is empty or begins with a blank line. The first line must be a"
            " header with the column names."
        )
    try:
        columns = tuple(trim(name) for name in text.decode().split("\t"))
    except UnicodeDecodeError:
        raise UnreadableFile(
            f"The file is not tab-separated text in UTF-8: its first line cannot be read. {SAVE_AS}"
        ) from None
    if any(not name.isprintable() for name in columns):
        raise UnreadableFile(
            "The file is not tab-separated text: its first line contains control"
            f" characters. {SAVE_AS}"
        )
    return columns


def read_chunks(file: BinaryIO, header: Header, block_bytes: int = BLOCK_BYTES) -> Iterator[Lines]:
    """The lines after the header, in chunks cut at line ends. The same bytes give the same
    chunks.
    """
    first_line = 2
    for number, (block, too_long) in enumerate(_blocks(file, block_bytes)):
        lines = (
            _long_line(number, block, first_line, header)
            if too_long
            else parse(number, block, first_line, header)
        )
        first_line += lines.count
        yield lines


def _blocks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """Blocks of whole lines, each ending with LF and twice as large as the one before, up to
    `size`; a line over LONGEST_LINE comes alone, cut, and marked.
    """
    rest, next_size = b"", min(size, FIRST_BLOCK_BYTES)
    while read := file.read(next_size):
        next_size = min(size, 2 * next_size)
        data = rest + read
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end], False
        rest = data[end:]
        if len(rest) > LONGEST_LINE:
            yield rest[:KEPT_OF_A_LONG_LINE], True
            rest = _after_this_line(file, size)
    if rest:  # behind a long line there may be several, with or without an end of the last
        yield rest if rest.endswith(b"\n") else rest + b"\n", False


def _after_this_line(file: BinaryIO, size: int) -> bytes:
    while read := file.read(size):
        end = read.find(b"\n")
        if end >= 0:
            return read[end + 1 :]
    return b""


def _long_line(number: int, start: bytes, line: int, header: Header) -> Lines:
    rows = pl.DataFrame(schema={"line": pl.Int64} | dict.fromkeys(header.used, pl.String))
    return Lines(number, line, rows, [line], start + b"\n", np.array([0]), np.array([len(start)]))


def parse(number: int, block: bytes, first_line: int, header: Header) -> Lines:
    """Judge the lines of a block that ends with LF, and parse the well-formed ones."""
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(data == LF)
    starts = np.concatenate(([0], ends[:-1] + 1))
    bad = _wrong_column_count(data, starts, ends, len(header.columns)) | _has_control(data, ends)
    bad |= ends - starts > LONGEST_LINE
    bad |= _not_utf8(data, starts, ends)
    numbers = np.arange(first_line, first_line + len(ends))
    frame = _columns(_only(data, starts, ends, ~bad), header).with_columns(
        pl.Series("line", numbers[~bad], dtype=pl.Int64)
    )
    long = _long_ids(frame, ends - starts)
    if long.any():
        bad[np.flatnonzero(~bad)[long]] = True
        frame = frame.filter(~pl.Series(long))
    return Lines(
        number,
        first_line,
        frame.select("line", *header.used),
        numbers[bad].tolist(),
        block,
        starts,
        ends,
    )


def _wrong_column_count(
    data: npt.NDArray[np.uint8], starts: Positions, ends: Positions, columns: int
) -> Mask:
    tabs = np.flatnonzero(data == TAB)
    wrong: Mask = np.searchsorted(tabs, ends) - np.searchsorted(tabs, starts) != columns - 1
    return wrong


def _has_control(data: npt.NDArray[np.uint8], ends: Positions) -> Mask:
    """Lines with a character of Unicode's category Cc in a field: C0 (a CR that ends the line
    aside), DEL, C1.
    """
    control = (data < 32) & (data != TAB) & (data != LF) | (data == DEL)
    before_end = ends[ends > 0] - 1
    control[before_end[data[before_end] == CR]] = False
    lead = np.flatnonzero(data[:-1] == C1_LEAD)
    control[lead[(data[lead + 1] >= 0x80) & (data[lead + 1] <= 0x9F)]] = True
    mask = np.zeros(len(ends), dtype=bool)
    mask[np.searchsorted(ends, np.flatnonzero(control))] = True
    return mask


def _not_utf8(data: npt.NDArray[np.uint8], starts: Positions, ends: Positions) -> Mask:
    """Lines with bytes that are no UTF-8. Only lines that are not plain ASCII are decoded: hardly
    any in a usual file.
    """
    foreign = np.zeros(len(ends), dtype=bool)
    foreign[np.searchsorted(ends, np.flatnonzero(data >= 0x80))] = True
    if not foreign.any():
        return foreign
    foreign[foreign] = _undecodable(data[np.repeat(foreign, ends - starts + 1)].tobytes())
    return foreign


def _undecodable(lines: bytes) -> Mask:
    """For each of these lines. Decoding stops at the first broken byte and goes on after its
    line.
    """
    ends = np.flatnonzero(np.frombuffer(lines, dtype=np.uint8) == LF)
    mask = np.zeros(len(ends), dtype=bool)
    start, left = 0, memoryview(lines)
    while start < len(lines):
        try:
            str(left[start:], "utf-8")
        except UnicodeDecodeError as error:
            broken = int(np.searchsorted(ends, start + error.start))
            mask[broken] = True
            start = int(ends[broken]) + 1
        else:
            break
    return mask


def _only(data: npt.NDArray[np.uint8], starts: Positions, ends: Positions, good: Mask) -> bytes:
    """The good lines alone, each ended by LF without CR."""
    keep = np.repeat(good, ends - starts + 1)
    before_end = ends[ends > 0] - 1
    keep[before_end[data[before_end] == CR]] = False
    return data.tobytes() if keep.all() else data[keep].tobytes()


def _columns(clean: bytes, header: Header) -> pl.DataFrame:
    if not clean:
        return pl.DataFrame(schema=dict.fromkeys(header.used, pl.String))
    # unused columns may repeat a name
    places = {name: f"column {header.columns.index(name)}" for name in header.used}
    names = "\t".join(f"column {place}" for place in range(len(header.columns)))
    frame = pl.read_csv(
        # a name line first: polars would swallow a BOM that begins the first field
        io.BytesIO(names.encode() + b"\n" + clean),
        separator="\t",
        quote_char=None,
        schema={f"column {place}": pl.String for place in range(len(header.columns))},
        empty_string_is_null=False,
    )
    if clean.isascii():  # there is white space alone to trim, in half the time
        return frame.select(
            pl.col(place).str.strip_chars().alias(name) for name, place in places.items()
        )
    return frame.select(trimmed(pl.col(place)).alias(name) for name, place in places.items())


def _long_ids(frame: pl.DataFrame, lengths: Positions) -> Mask:
    """Which rows of the frame have an id of a fan, and it is longer than LONGEST_ID; looked at only
    where a line is long enough for one.
    """
    if "global_user_id" not in frame.columns or not (lengths > LONGEST_ID).any():
        return np.zeros(frame.height, dtype=bool)
    mask: Mask = (frame["global_user_id"].str.len_chars() > LONGEST_ID).to_numpy()
    return mask


def readable(raw: bytes) -> str:
    """Bytes as text that a database and a person can hold: what is not UTF-8, and NUL, as \\xNN.
    [S-11]
    """
    return raw.decode(errors="backslashreplace").replace("\x00", "\\x00")
