"""A record's shape: type → schema, key fields, partition day, dedupe hash, normalising and
checking. [L-1, T-5]

A **record** is a dict as streams carry it. A **record frame** has one column per field of the
schema, in its order: strings as String, doubles as Float64, tags as List(String), date as
Struct{created: String}.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from datalake.choices import RecordType
from datalake.errors import InvalidFrame, UnknownRecordType
from datalake.hashing import sha256_hex
from datalake.layout import Period
from datalake.schemas import SCHEMAS, Field, Kind, Schema
from operations import instants
from operations.entry import values
from operations.errors import BadValue

SEPARATOR = "\x1f"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
HASH = re.compile(r"[0-9a-f]{64}")
# The last key field of a scoring record is not in the record: it is the SHA-256 of the score file
# it came from.
KEY_FIELDS: Mapping[str, tuple[str, ...]] = {
    RecordType.REGISTRATION: ("type", "campaignId", "globalUserId", "created"),
    RecordType.SCORING: ("type", "campaignId", "globalUserId", "score_file_sha256"),
    RecordType.CODE_ASSIGNMENT: ("type", "campaignId", "globalUserId", "code"),
}
_POLARS: Mapping[Kind, Any] = {
    Kind.STRING: pl.String,
    Kind.DOUBLE: pl.Float64,
    Kind.STRINGS: pl.List(pl.String),
    Kind.DATE: pl.Struct({"created": pl.String}),
}


def schema_of(record_type: str) -> Schema:
    """The schema in force. Raises UnknownRecordType."""
    try:
        return SCHEMAS[record_type]
    except KeyError:
        raise UnknownRecordType(
            f"{record_type!r} is not a record type. Record types: {', '.join(sorted(SCHEMAS))}."
        ) from None


def frame_schema(record_type: str) -> dict[str, Any]:
    """Column → polars type of a record frame."""
    return {field.name: _POLARS[field.kind] for field in schema_of(record_type).fields}


def partition_day(created: str) -> Period:
    """The UTC day of a `date.created` in its stored form. [L-2]"""
    return Period(int(created[:4]), int(created[5:7]), int(created[8:10]))


def dedupe_hash(record: Mapping[str, Any], *, score_file_sha256: str = "") -> str:
    """The record's identity; for scoring the file's SHA-256 must be given. Raises KeyError,
    ValueError. [T-5]
    """
    values = {
        **record,
        "created": record["date"]["created"],
        "score_file_sha256": score_file_sha256,
    }
    fields = KEY_FIELDS[schema_of(record["type"]).record_type]
    if "score_file_sha256" in fields and not score_file_sha256:
        raise ValueError("a scoring record's identity needs the SHA-256 of its score file")
    return hashlib.sha256(SEPARATOR.join(values[field] for field in fields).encode()).hexdigest()


def dedupe_hashes(
    record_type: str, flat: pl.DataFrame, *, score_file_sha256: str = ""
) -> pl.Series:
    """The hashes of many records at once (columns: the key fields, `created` for date.created).
    Raises InvalidFrame. [T-5]
    """
    fields = KEY_FIELDS[schema_of(record_type).record_type]
    if "score_file_sha256" in fields and not score_file_sha256:
        raise InvalidFrame("The identity of scoring records needs the SHA-256 of their score file.")
    fixed = {"type": pl.lit(str(record_type)), "score_file_sha256": pl.lit(score_file_sha256)}
    keys = flat.select(
        pl.concat_str(
            [fixed.get(name, pl.col(name)) for name in fields], separator=SEPARATOR
        ).alias("key")
    )
    return sha256_hex(keys["key"]).alias("dedupeHash")


def shape(record_type: str, flat: pl.DataFrame, *, score_file_sha256: str = "") -> pl.DataFrame:
    """A record frame from flat columns named as in the schema, with `created` for date.created.

    Strings are trimmed, empty optional ones become null, absent optional columns are null, absent
    tags empty; `type` and, unless it is there, `dedupeHash` are filled in. Other columns are left
    out. Raises InvalidFrame.
    """
    schema = schema_of(record_type)
    needed = {
        each.name
        for each in schema.fields
        if each.kind in {Kind.STRING, Kind.DOUBLE} and not each.nullable
    }
    missing = (needed | {"created"}) - {"type", "dedupeHash", *flat.columns}
    if missing:
        raise InvalidFrame(f"{record_type} records need the columns {', '.join(sorted(missing))}.")
    trimmed = flat.with_columns(pl.lit(str(record_type)).alias("type")).with_columns(
        _tidy(schema, flat.columns)
    )
    if "dedupeHash" not in flat.columns:
        trimmed = trimmed.with_columns(
            dedupe_hashes(record_type, trimmed, score_file_sha256=score_file_sha256)
        )
    return trimmed.select([_column(field, trimmed.columns) for field in schema.fields])


def _tidy(schema: Schema, present: list[str]) -> list[pl.Expr]:
    tidy = [pl.col("created").cast(pl.String).str.strip_chars()]
    for field in schema.fields:
        if (
            field.kind is Kind.STRING
            and field.name in present
            and field.name not in {"type", "dedupeHash"}
        ):
            text = pl.col(field.name).cast(pl.String).str.strip_chars()
            tidy.append(text.replace("", None) if field.nullable else text)
    return tidy


def _column(field: Field, present: list[str]) -> pl.Expr:
    if field.kind is Kind.DATE:
        return pl.struct(created=pl.col("created")).alias(field.name)
    if field.name in present:
        return pl.col(field.name).cast(_POLARS[field.kind])
    return pl.lit([] if field.kind is Kind.STRINGS else None, dtype=_POLARS[field.kind]).alias(
        field.name
    )


def require_record_frame(record_type: str, frame: pl.DataFrame) -> None:
    """Raises InvalidFrame unless every row is a valid record of the type, naming the first column
    that is not. [L-1]
    """
    expected = frame_schema(record_type)
    if list(frame.schema.items()) != list(expected.items()):
        wrong = sorted(set(frame.schema.items()) ^ set(expected.items()), key=str)
        raise InvalidFrame(
            f"The frame has not the columns of {record_type} records: {wrong}. Make it with"
            " records.shape."
        )
    checks = frame.select(
        _bad(field).any().alias(field.name) for field in schema_of(record_type).fields
    )
    bad = [
        name for name, found in (checks.row(0, named=True) if frame.height else {}).items() if found
    ]
    if bad or set(frame["type"].unique().to_list()) - {str(record_type)}:
        raise InvalidFrame(
            f"Some {record_type} records are not valid in {', '.join(bad) or 'type'}; nothing was"
            " taken."
        )


def _bad(field: Field) -> pl.Expr:
    column = pl.col(field.name)
    if field.kind is Kind.DOUBLE:
        return ~column.is_finite().fill_null(value=False)
    if field.kind is Kind.STRINGS:
        return column.is_null() | column.list.eval(pl.element().is_null()).list.any()
    if field.kind is Kind.DATE:
        created = column.struct.field("created")
        as_instant = created.str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", strict=False)
        return as_instant.is_null() | (created.str.len_bytes() != 24)
    if field.name == "dedupeHash":
        return ~column.str.contains("^[0-9a-f]{64}$").fill_null(value=False)
    empty = (column.str.len_bytes() == 0) | column.str.contains(r"^\s|\s$")
    return empty.fill_null(value=False) if field.nullable else empty.fill_null(value=True)


def normalise(record: Any) -> dict[str, Any]:
    """The record as it is stored: known fields only, strings trimmed, date.created in its stored
    form.

    Raises ValueError with the reason for a dead letter when it is not a valid record of a known
    type; the reason never quotes a value. [L-1, T-1]
    """
    if not isinstance(record, dict) or not isinstance(record.get("type"), str):
        raise ValueError("not an object with a type")
    schema = SCHEMAS.get(record["type"].strip())
    if schema is None:
        raise ValueError("unknown type")
    clean = {
        field.name: _normalised(field, record.get(field.name))
        for field in schema.fields
        if field.name != "dedupeHash"
    }
    return clean | {"dedupeHash": _identity(clean, record.get("dedupeHash"))}


def _identity(clean: dict[str, Any], given: Any) -> str:
    if given is None and clean["type"] != RecordType.SCORING:
        return dedupe_hash(clean)
    if not isinstance(given, str) or not HASH.fullmatch(given.strip()):
        raise ValueError("dedupeHash: not 64 lower-case hex digits")
    return given.strip()


def _normalised(field: Field, value: Any) -> Any:
    if field.kind is Kind.DATE:
        return {"created": _created(value)}
    if field.kind is Kind.DOUBLE:
        return _number(field.name, value)
    if field.kind is Kind.STRINGS:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ValueError(f"{field.name}: not a list of strings")
        return [_text(field.name, each) for each in value]
    if field.nullable and (value is None or value == ""):
        return None
    if not isinstance(value, str):
        raise ValueError(f"{field.name}: {'missing' if value is None else 'not a string'}")
    text = _text(field.name, value)
    if not text and not field.nullable:
        raise ValueError(f"{field.name}: empty")
    return text or None


def _number(name: str, value: Any) -> float:
    if not isinstance(value, bool) and isinstance(value, int | float):
        try:
            if math.isfinite(number := float(value)):
                return number
        except OverflowError:  # an integer beyond every double
            pass
    raise ValueError(f"{name}: not a finite number")


def _text(name: str, value: str) -> str:
    if values.is_unfit(value):
        raise ValueError(f"{name}: {values.UNFIT_TEXT}")
    return value.strip()


def _created(value: Any) -> str:
    text = value.get("created") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise ValueError("date.created: missing")
    text = text.strip()
    try:
        instant = values.within("date.created", instants.parse(text))
    except BadValue as refusal:
        raise ValueError(str(refusal)) from None
    except ValueError:
        raise ValueError("date.created: not an ISO 8601 date and time with an offset") from None
    return text if INSTANT.fullmatch(text) else instants.stamp(instant)


def frame_of(record_type: str, normalised: list[dict[str, Any]]) -> pl.DataFrame:
    """A record frame of records that went through `normalise`."""
    expected = frame_schema(record_type)
    return (
        pl.DataFrame(normalised, schema=expected, strict=True)
        if normalised
        else pl.DataFrame(schema=expected)
    )
