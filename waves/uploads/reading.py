"""The list of an uploaded wave, from bytes to rows: CSV by column names, every line counted. Pure.
[W-3]
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

import polars as pl

from campaigns.errors import UnreadableFile
from campaigns.formats.csv_lines import TabSeparated
from campaigns.formats.headers import first_line_of
from campaigns.formats.score_rows import Header, Lines, read_chunks
from operations.entry.trimming import trim
from waves.errors import BadWaveList

# As a file spells them, whatever the case → as we do.
COLUMNS: Final = {
    "globaluserid": "global_user_id",
    "memberid": "member_id",
    "marketid": "market_id",
    "email": "email",
    "phone": "phone",
    "code": "code",
}
REQUIRED: Final = ("globalUserId", "marketId")
NO_ROWS: Final = "The list has no rows behind its header."
KNOWN: Final = "globalUserId, memberId, marketId, email, phone, code"


@dataclass(frozen=True)
class WaveList:
    """A whole list: `rows` has `line` and our columns (String, trimmed, empty where the file has
    none); `malformed` the lines of the others; `columns` are all of the file's, as it spells them.
    """

    rows: pl.DataFrame
    malformed: tuple[int, ...]
    columns: tuple[str, ...]
    ignored: tuple[str, ...]


def read_list(file: BinaryIO) -> WaveList:
    """All rows of a list. Raises BadWaveList for what has no usable header, or no row."""
    columns, header = header_of(file)
    frames, malformed = [], list[int]()
    for lines in _chunks(file, header):
        absent = [pl.lit("").alias(name) for name in COLUMNS.values() if name not in header.used]
        frames.append(lines.rows.with_columns(absent).select("line", *COLUMNS.values()))
        malformed += lines.malformed
    if not frames:
        raise BadWaveList(NO_ROWS)
    return WaveList(pl.concat(frames), tuple(malformed), columns, header.ignored)


def require_rows(file: BinaryIO) -> None:
    """Raises BadWaveList for a list without a usable header, or without a row."""
    _, header = header_of(file)
    if next(_chunks(file, header), None) is None:
        raise BadWaveList(NO_ROWS)


def raws_of(file: BinaryIO, rejected: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rejected lines (`line`, `reason`, by line) with `raw`: as in the file, its columns
    separated by tabs.
    """
    _, header = header_of(file)
    for lines in _chunks(file, header):
        last = lines.first_line + lines.count - 1
        here = rejected.filter(pl.col("line").is_between(lines.first_line, last))
        if here.height:
            yield here.with_columns(lines.raws(here["line"]))


def header_of(file: BinaryIO) -> tuple[tuple[str, ...], Header]:
    """The columns as the file spells them, and as they are read. Raises BadWaveList."""
    file.seek(0)
    try:
        first = first_line_of(file).removeprefix(codecs.BOM_UTF8).decode()
        names = tuple(trim(name) for name in next(csv.reader([first]), []))
    except UnreadableFile as error:
        raise BadWaveList(str(error)) from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadWaveList("The list is not CSV in UTF-8: its first line cannot be read.") from error
    ours = [COLUMNS.get(name.lower(), name) for name in names]
    _check_header(ours, names)
    used = tuple(name for name in ours if name in COLUMNS.values())
    ignored = tuple(name for name in names if name.lower() not in COLUMNS)
    return names, Header(tuple(ours), used, ignored)


def _check_header(ours: list[str], names: tuple[str, ...]) -> None:
    if not "".join(names):
        raise BadWaveList(
            "The list is empty. Its first line must be a header with the column names."
        )
    if not all(name.isprintable() for name in names):
        raise BadWaveList("The list is not CSV: its first line contains control characters.")
    if missing := [name for name in REQUIRED if COLUMNS[name.lower()] not in ours]:
        raise BadWaveList(
            f"The header of the list (line 1) is missing the column{'s' * (len(missing) > 1)}"
            f" {', '.join(missing)}. Known columns, in any order: {KNOWN}."
        )
    if twice := sorted({n for n in ours if n in COLUMNS.values() and ours.count(n) > 1}):
        raise BadWaveList(
            f"The header of the list (line 1) has a column twice: {', '.join(twice)}. Keep one of"
            " each."
        )


def _chunks(file: BinaryIO, header: Header) -> Iterator[Lines]:
    return read_chunks(cast("BinaryIO", TabSeparated(file)), header)
