"""Files of registrations (CSV, TSV, Avro) → frames of rows, chunk by chunk. [C-4]"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import polars as pl

from campaigns.errors import UnreadableFile
from campaigns.formats import registration_columns
from campaigns.formats.csv_lines import TabSeparated
from campaigns.formats.headers import first_line_of
from campaigns.formats.registration_columns import TEXTS, Registrations
from campaigns.formats.registration_records import COLUMNS, REQUIRED, columns_of, is_of_lake
from campaigns.formats.score_rows import Header, Lines, read_chunks
from datalake.avro import container
from operations.entry.trimming import trim

AVRO_MAGIC = b"Obj\x01"
UNREADABLE_HEADER = "The file is not a CSV, TSV or Avro file: its first line cannot be read."
ROWS_AT_A_TIME = 20_000
BYTES_AT_A_TIME = 32 << 20
COUNTED_BYTES = 1024 * 1024


def read(file: BinaryIO, campaign_id: str) -> Iterator[Registrations]:
    """The rows of a whole file, whatever its format. Raises UnreadableFile before the first row or
    where it breaks off, and WrongCampaign for Avro records that name another campaign.
    """
    file.seek(0)
    is_avro = file.read(len(AVRO_MAGIC)) == AVRO_MAGIC
    file.seek(0)
    is_empty = True
    for chunk in _avro_chunks(file, campaign_id) if is_avro else _text_chunks(file):
        yield chunk
        is_empty = False
    if is_empty:
        raise UnreadableFile("The file contains no registrations.")


def columns_of_rejected(file: BinaryIO) -> tuple[str, ...]:
    """The columns that rejected rows were kept in before the columns of a file were: those of its
    header; of Avro, the id alone. Raises UnreadableFile.
    """
    file.seek(0)
    if file.read(len(AVRO_MAGIC)) == AVRO_MAGIC:
        return ("global_user_id",)
    file.seek(0)
    return _names(first_line_of(file))[0]


def line_ends(file: BinaryIO) -> int:
    """About how many rows a text file has; 0 for Avro, where only reading tells. Counts 1 GB in a
    second.
    """
    file.seek(0)
    if file.read(len(AVRO_MAGIC)) == AVRO_MAGIC:
        return 0
    return sum(block.count(b"\n") for block in iter(lambda: file.read(COUNTED_BYTES), b""))


def _text_chunks(file: BinaryIO) -> Iterator[Registrations]:
    """Lines are judged as those of a score file: nothing is quoted between tabs, and where commas
    separate, no quote spoils more than its own line. [S-3]
    """
    names, has_commas = _names(first_line_of(file))
    columns = tuple(own_name(name) or name for name in names)
    used = tuple(name for name in columns if name in COLUMNS)
    header = Header(columns, used, ignored_of(names))
    for lines in read_chunks(cast("BinaryIO", TabSeparated(file)) if has_commas else file, header):
        yield Registrations(*_frames(lines), names)


def own_name(column: str) -> str | None:
    """The name that we have for a column of a file, whatever its case; None for one that is not
    used.
    """
    return column.lower() if column.lower() in COLUMNS else None


def ignored_of(columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in columns if own_name(name) is None)


def header_line(columns: Iterable[str]) -> bytes:
    """The first line of a tab-separated file with these columns."""
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerow(columns)
    return text.getvalue().encode()


def _names(first_line: bytes) -> tuple[tuple[str, ...], bool]:
    """The columns as the file spells them, and whether commas separate them."""
    first = first_line.removeprefix(codecs.BOM_UTF8).decode(errors="replace")
    delimiter = "\t" if "\t" in first else ","
    try:
        names = tuple(trim(name) for name in next(csv.reader([first], delimiter=delimiter), []))
    except csv.Error:  # a carriage return inside the line
        raise UnreadableFile(UNREADABLE_HEADER) from None
    _check_header([own_name(name) or name for name in names], first)
    return names, delimiter == ","


def _check_header(header: Sequence[str], first: str) -> None:
    if not first.strip():
        raise UnreadableFile(
            "The file is empty. The first line must be a header with the column names."
        )
    if "\ufffd" in first or any(not name.isprintable() for name in header):
        raise UnreadableFile(UNREADABLE_HEADER)
    if missing := [name for name in REQUIRED if name not in header]:
        raise UnreadableFile(
            f"The header (line 1) is missing the column{'s' * (len(missing) > 1)}"
            f" {', '.join(missing)}. Known columns, in any order: {', '.join(COLUMNS)}."
        )
    if twice := sorted({name for name in header if name in COLUMNS and header.count(name) > 1}):
        raise UnreadableFile(
            f"The header (line 1) has a column twice: {', '.join(twice)}. Keep one of each."
        )


def _frames(lines: Lines) -> tuple[pl.DataFrame, pl.DataFrame]:
    absent = [pl.lit("").alias(name) for name in COLUMNS if name not in lines.rows.columns]
    rows = lines.rows.with_columns(lines.raws(lines.rows["line"]), *absent)
    malformed = pl.DataFrame({"line": lines.malformed}, schema={"line": pl.Int64})
    return rows.select("line", *TEXTS), malformed.with_columns(lines.raws(malformed["line"]))


def _avro_chunks(file: BinaryIO, campaign_id: str) -> Iterator[Registrations]:
    """Records of type `registration`, or of our columns; the line is the record's number, from
    1. A chunk ends at so many rows or bytes.
    """
    records: list[dict[str, Any]] = []
    first, size, columns = 1, 0, tuple[str, ...]()

    def chunk() -> Registrations:
        numbers = range(first, first + len(records))
        return registration_columns.of_file(numbers, records, columns, campaign_id)

    for record, encoded in container.split(file, name="The Avro file"):
        if not columns:
            is_of_lake(record, campaign_id)  # what is no registration is refused as such
            columns = columns_of(record)
        records.append(record)
        size += len(encoded)
        if len(records) == ROWS_AT_A_TIME or size > BYTES_AT_A_TIME:
            yield chunk()
            first, size, records = first + len(records), 0, []
    if records:
        yield chunk()
