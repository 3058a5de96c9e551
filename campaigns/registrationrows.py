"""Files of registrations (CSV, TSV, Avro) → frames of rows, chunk by chunk. [C-4]"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO

import polars as pl

from campaigns.errors import UnreadableFile
from campaigns.scorelines import LONGEST_ID, readable
from datalake import avro
from datalake.records import parse_instant

REQUIRED = ("global_user_id", "registered_at")
COLUMNS: tuple[str, ...] = (
    "global_user_id",
    "member_id",
    "email",
    "phone",
    "phone_confirmed",
    "country_code",
    "market_preferences",
)
COLUMNS += ("registered_at", "date_created")
AVRO_MAGIC = b"Obj\x01"
ROWS_AT_A_TIME = 100_000
LONGEST_HEADER = 64 * 1024


@dataclass(frozen=True)
class Registrations:
    """Some rows: `rows` has `line`, `raw` and COLUMNS (String, trimmed; absent columns empty); `malformed` `line`, `raw`."""

    rows: pl.DataFrame
    malformed: pl.DataFrame


def read(file: BinaryIO) -> Iterator[Registrations]:
    """The rows of a whole file, whatever its format. Raises UnreadableFile before the first row or where it breaks off."""
    file.seek(0)
    is_avro = file.read(len(AVRO_MAGIC)) == AVRO_MAGIC
    file.seek(0)
    rows = _avro_rows(file) if is_avro else _text_rows(file)
    while chunk := list(islice(rows, ROWS_AT_A_TIME)):
        yield _chunk(chunk)


def _chunk(lines: list[tuple[int, list[str] | None, str]]) -> Registrations:
    good = [(line, raw, *fields) for line, fields, raw in lines if fields is not None]
    bad = [(line, raw) for line, fields, raw in lines if fields is None]
    texts = dict.fromkeys(("raw", *COLUMNS), pl.String)
    rows = pl.DataFrame(good, schema={"line": pl.Int64, **texts}, orient="row")
    malformed = pl.DataFrame(bad, schema={"line": pl.Int64, "raw": pl.String}, orient="row")
    return Registrations(rows.with_columns(pl.col(COLUMNS).str.strip_chars()), malformed)


def _text_rows(file: BinaryIO) -> Iterator[tuple[int, list[str] | None, str]]:
    """Line number, COLUMNS' values (None if malformed), and the row as it came. What is not UTF-8 reads as \\xNN."""
    first = file.readline(LONGEST_HEADER).decode("utf-8-sig", errors="replace")
    delimiter = "\t" if "\t" in first else ","
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    _check_header(header, first)
    places = [header.index(name) if name in header else None for name in COLUMNS]
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    is_tsv = delimiter == "\t"
    reader = csv.reader(text, delimiter=delimiter, quoting=csv.QUOTE_NONE if is_tsv else csv.QUOTE_MINIMAL)
    line = 2
    try:
        for fields in reader:
            yield line, _row(fields, places, len(header)), _readable("\t".join(fields))
            line = reader.line_num + 2
    except csv.Error as error:
        raise UnreadableFile(f"Line {line} cannot be read ({error}): perhaps a quote is opened and never closed.") from error
    finally:
        text.detach()


def _check_header(header: list[str], first: str) -> None:
    if not first.strip():
        raise UnreadableFile("The file is empty: its first line must name the columns.")
    if "\ufffd" in first or any(not name.isprintable() for name in header):
        raise UnreadableFile("This is no CSV, TSV or Avro file: its first line cannot be read.")
    if missing := [name for name in REQUIRED if name not in header]:
        raise UnreadableFile(
            f"Line 1 lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}. "
            f"Known columns, in any order: {', '.join(COLUMNS)}."
        )


def _row(fields: list[str], places: list[int | None], columns: int) -> list[str] | None:
    if len(fields) != columns:
        return None
    values = ["" if place is None else fields[place] for place in places]
    broken = any(not value.isprintable() and _is_broken(value) for value in values)
    return None if broken or len(values[0].strip()) > LONGEST_ID else values


def _is_broken(value: str) -> bool:
    """Control characters, and bytes that are not UTF-8; other unprintable ones, such as no-break spaces, are no harm."""
    return any(ord(each) < 32 or 127 <= ord(each) < 160 or 0xDC80 <= ord(each) <= 0xDCFF for each in value)


def _readable(raw: str) -> str:
    return readable(raw.encode(errors="surrogateescape"))


def _avro_rows(file: BinaryIO) -> Iterator[tuple[int, list[str] | None, str]]:
    """Records of type `registration`; the line is the record's number, from 1."""
    for number, record in enumerate(avro.read_records(file), start=1):
        yield number, values_of(record), str(record.get("globalUserId", ""))


def values_of(record: dict[str, Any]) -> list[str]:
    """A `registration` record of stream or lake as COLUMNS' values. [L-1]"""
    created = str(record["date"]["created"])
    unconfirmed = "unconfirmed_phone" in record.get("tags", [])
    texts = {
        "global_user_id": record.get("globalUserId"),
        "member_id": record.get("memberId"),
        "email": record.get("email"),
        "phone": record.get("phone"),
        "phone_confirmed": "no" if unconfirmed or not record.get("phone") else "yes",
        "market_preferences": record.get("marketId"),
        "registered_at": created,
        "date_created": created,
    }
    return [str(texts.get(name) or "") for name in COLUMNS]


def instants(texts: pl.Series) -> pl.Series:
    """ISO 8601 dates with an offset → Datetime (microseconds, UTC); null where one is missing, naive or no date."""
    return pl.Series(texts.name, [_instant(text) for text in texts], dtype=pl.Datetime("us", "UTC"))


def _instant(text: str) -> datetime | None:
    try:
        return parse_instant(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
