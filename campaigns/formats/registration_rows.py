"""Files of registrations (CSV, TSV, Avro) → frames of rows, chunk by chunk. [C-4]"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO

import polars as pl

from campaigns.errors import UnreadableFile, WrongCampaign
from campaigns.formats.score_rows import KEPT_OF_A_LONG_LINE, LONGEST_ID, LONGEST_LINE, readable
from datalake.avro import container
from datalake.choices import RecordType
from operations import instants

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
ROWS_AT_A_TIME = 20_000
COUNTED_BYTES = 1024 * 1024
LONGEST_HEADER = 64 * 1024
LONGEST_FIELD = 20_000  # characters; csv reads no longer ones than 131,072


@dataclass(frozen=True)
class Registrations:
    """Some rows: `rows` has `line`, `raw` and COLUMNS (String, trimmed; absent columns empty);
    `malformed` `line`, `raw`.
    """

    rows: pl.DataFrame
    malformed: pl.DataFrame


def read(file: BinaryIO, campaign_id: str) -> Iterator[Registrations]:
    """The rows of a whole file, whatever its format. Raises UnreadableFile before the first row or
    where it breaks off, and WrongCampaign for Avro records that name another campaign.
    """
    file.seek(0)
    is_avro = file.read(len(AVRO_MAGIC)) == AVRO_MAGIC
    file.seek(0)
    rows = _avro_rows(file, campaign_id) if is_avro else _text_rows(file)
    is_empty = True
    while chunk := list(islice(rows, ROWS_AT_A_TIME)):
        yield _chunk(chunk)
        is_empty = False
    if is_empty:
        raise UnreadableFile("The file contains no registrations.")


def line_ends(file: BinaryIO) -> int:
    """About how many rows a text file has; 0 for Avro, where only reading tells. Counts 1 GB in a
    second.
    """
    file.seek(0)
    if file.read(len(AVRO_MAGIC)) == AVRO_MAGIC:
        return 0
    return sum(block.count(b"\n") for block in iter(lambda: file.read(COUNTED_BYTES), b""))


def _chunk(lines: list[tuple[int, list[str] | None, str]]) -> Registrations:
    good = [(line, raw, *fields) for line, fields, raw in lines if fields is not None]
    bad = [(line, raw) for line, fields, raw in lines if fields is None]
    texts = dict.fromkeys(("raw", *COLUMNS), pl.String)
    rows = pl.DataFrame(good, schema={"line": pl.Int64, **texts}, orient="row")
    malformed = pl.DataFrame(bad, schema={"line": pl.Int64, "raw": pl.String}, orient="row")
    return Registrations(rows.with_columns(pl.col(COLUMNS).str.strip_chars()), malformed)


def _text_rows(file: BinaryIO) -> Iterator[tuple[int, list[str] | None, str]]:
    """Line number, COLUMNS' values (None if malformed), and the row as it came. What is not UTF-8
    reads as \\xNN.
    """
    first = file.readline(LONGEST_HEADER).decode("utf-8-sig", errors="replace")
    delimiter = "\t" if "\t" in first else ","
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    _check_header(header, first)
    places = [header.index(name) if name in header else None for name in COLUMNS]
    for line, fields in _tab_separated(file) if delimiter == "\t" else _comma_separated(file):
        yield line, _row(fields, places, len(header)), _readable("\t".join(fields))


def _tab_separated(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Nothing is quoted, and only LF or CRLF ends a row: no byte can spoil more than its own
    row.
    """
    for line, raw in enumerate(file, start=2):
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode(errors="surrogateescape")
        yield line, text.split("\t") if text else []


def _comma_separated(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    reader = csv.reader(text)
    line = 2
    try:
        for fields in reader:
            yield line, fields
            line = reader.line_num + 2
    except csv.Error as error:
        raise UnreadableFile(
            f"Line {line} cannot be read ({error}). Check for a missing closing quote."
        ) from error
    finally:
        text.detach()


def _check_header(header: list[str], first: str) -> None:
    if not first.strip():
        raise UnreadableFile(
            "The file is empty. The first line must be a header with the column names."
        )
    if "\ufffd" in first or any(not name.isprintable() for name in header):
        raise UnreadableFile(
            "The file is not a CSV, TSV or Avro file: its first line cannot be read."
        )
    if missing := [name for name in REQUIRED if name not in header]:
        raise UnreadableFile(
            f"The header (line 1) is missing the column{'s' * (len(missing) > 1)}"
            f" {', '.join(missing)}. Known columns, in any order: {', '.join(COLUMNS)}."
        )
    if twice := sorted({name for name in header if name in COLUMNS and header.count(name) > 1}):
        raise UnreadableFile(
            f"The header (line 1) has a column twice: {', '.join(twice)}. Keep one of each."
        )


def _row(fields: list[str], places: list[int | None], columns: int) -> list[str] | None:
    if len(fields) != columns:
        return None
    return sound(["" if place is None else fields[place] for place in places])


def sound(values: list[str]) -> list[str] | None:
    """COLUMNS' values themselves, or None where no database or person should be given one of them.
    [C-4]
    """
    too_long = len(values[0].strip()) > LONGEST_ID or any(
        len(value) > LONGEST_FIELD for value in values
    )
    broken = too_long or any(not value.isprintable() and _is_broken(value) for value in values)
    return None if broken else values


def _is_broken(value: str) -> bool:
    """Control characters, and bytes that are not UTF-8; other unprintable ones, such as no-break
    spaces, are no harm.
    """
    return any(
        ord(each) < 32 or 127 <= ord(each) < 160 or 0xDC80 <= ord(each) <= 0xDCFF for each in value
    )


def _readable(raw: str) -> str:
    kept = raw if len(raw) <= LONGEST_LINE else raw[:KEPT_OF_A_LONG_LINE]
    return readable(kept.encode(errors="surrogateescape"))


def _avro_rows(file: BinaryIO, campaign_id: str) -> Iterator[tuple[int, list[str] | None, str]]:
    """Records of type `registration`, or of our columns; the line is the record's number, from
    1.
    """
    for number, record in enumerate(container.read_records(file), start=1):
        values = _avro_values(record, campaign_id)
        yield number, sound(values), _readable(values[0])


def _avro_values(record: Any, campaign_id: str) -> list[str]:
    if _is_registration(record):
        if record.get("campaignId") != campaign_id:
            raise WrongCampaign(
                f"The Avro file contains registrations for campaign {record.get('campaignId')},"
                f" not {campaign_id}. Choose the right campaign or the right file."
            )
        return values_of(record)
    if isinstance(record, dict) and set(REQUIRED) <= set(record):
        return ["" if record.get(name) is None else str(record[name]) for name in COLUMNS]
    raise UnreadableFile(
        "The Avro file contains no registrations: its records are not of type"
        f" registration and do not have the fields {' and '.join(REQUIRED)}."
    )


def _is_registration(record: Any) -> bool:
    """In the shape of stream and lake; records of other types, such as scoring, are none."""
    if not isinstance(record, dict) or record.get("type") != RecordType.REGISTRATION:
        return False
    return isinstance(record.get("date"), dict) and "created" in record["date"]


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


def instants_of(texts: pl.Series) -> pl.Series:
    """ISO 8601 dates with an offset → Datetime (microseconds, UTC); null where one is missing,
    naive or no date.
    """
    return pl.Series(texts.name, [_instant(text) for text in texts], dtype=pl.Datetime("us", "UTC"))


def _instant(text: str) -> datetime | None:
    try:
        return instants.parse(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
