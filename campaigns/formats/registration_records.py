"""Records of registrations, from Avro files and the stream → the values of our columns. Pure. [C-4]

Text may be UTF-8 bytes, preferences may be an array, dates may be logical timestamps and
`phone_confirmed` a boolean. A value of any other type makes its record malformed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from campaigns.errors import UnreadableFile, WrongCampaign
from campaigns.formats.score_rows import KEPT_OF_A_LONG_LINE, LONGEST_ID, LONGEST_LINE
from datalake.choices import RecordType
from operations.entry.trimming import trim

REQUIRED = ("global_user_id", "registered_at")
COLUMNS: tuple[str, ...] = (
    "global_user_id",
    "member_id",
    "email",
    "phone",
    "phone_confirmed",
    "country_code",
    "language",
    "market_preferences",
)
COLUMNS += ("registered_at", "date_created")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class OtherType(Exception):
    """A value is of a type that its column does not take."""


def values_of_record(record: Mapping[str, Any], campaign_id: str) -> list[str] | None:
    """COLUMNS' values of a record of an Avro file; None where it is malformed.

    Raises WrongCampaign for a registration of another campaign, and UnreadableFile for a record
    that is no registration.
    """
    if _is_registration(record):
        named = _known_text(record.get("campaignId"))
        if named != campaign_id:
            raise WrongCampaign(
                f"The Avro file contains registrations for campaign {str(named)[:80]},"
                f" not {campaign_id}. Choose the right campaign or the right file."
            )
        return values_of(record)
    if set(REQUIRED) <= record.keys():
        return _values(record)
    raise UnreadableFile(
        "The Avro file contains no registrations: its records are not of type"
        f" registration and do not have the fields {' and '.join(REQUIRED)}."
    )


def columns_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that its file's rejected rows are shown by: ours for records in the shape of
    stream and lake, else the record's fields. Raises UnreadableFile.
    """
    if _is_registration(record):
        return COLUMNS
    if misspelt := [name for name in record if name not in COLUMNS and name.lower() in COLUMNS]:
        raise UnreadableFile(
            f"The Avro file has a field {misspelt[0]}. Write field names in lower case:"
            f" {misspelt[0].lower()}."
        )
    return tuple(record)


def cells_of(record: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    """The record's values as text that is one line and has no tab, whatever they are: what is no
    text, and control characters, as `\\xNN`. Those of a record that is too long are cut.
    """
    flat = _flat(record) if _is_registration(record) else record
    cells = [_cell(flat.get(name)) for name in columns]
    if sum(map(len, cells)) > LONGEST_LINE:
        cells = [cell[:KEPT_OF_A_LONG_LINE] for cell in cells]
    return cells


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "|".join(map(_cell, value))
    if isinstance(value, bool):
        return _confirmed(value)
    if isinstance(value, datetime):
        return value.isoformat()
    text = _text(value) if value is None or isinstance(value, (str, bytes)) else str(value)
    if text.isprintable():
        return text
    readable = text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return CONTROL.sub(_escaped, readable)


def _escaped(control: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in control[0].encode())


def _is_registration(record: Mapping[str, Any]) -> bool:
    """In the shape of stream and lake; records of other types, such as scoring, are none."""
    date = record.get("date")
    is_one = _known_text(record.get("type")) == RecordType.REGISTRATION
    return is_one and isinstance(date, dict) and "created" in date


def _known_text(value: Any) -> str | None:
    try:
        return _text(value)
    except OtherType:
        return None


def values_of(record: Mapping[str, Any]) -> list[str] | None:
    """A `registration` record of stream or lake as COLUMNS' values; None where it is malformed.
    [L-1]
    """
    return None if _odd_tags(record) else _values(_flat(record))


def _odd_tags(record: Mapping[str, Any]) -> bool:
    return not isinstance(record.get("tags") or [], list)


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    created, has_phone = record["date"]["created"], bool(record.get("phone"))
    tags = [] if _odd_tags(record) else record.get("tags") or []
    return {
        "global_user_id": record.get("globalUserId"),
        "member_id": record.get("memberId"),
        "email": record.get("email"),
        "phone": record.get("phone"),
        "phone_confirmed": has_phone and "unconfirmed_phone" not in tags,
        "market_preferences": record.get("marketId"),
        "registered_at": created,
        "date_created": created,
    }


def _values(given: Mapping[str, Any]) -> list[str] | None:
    try:
        values = [_READERS.get(name, _text)(given.get(name)) for name in COLUMNS]
    except OtherType:
        return None
    return values if is_sound(values) else None


def _text(value: Any) -> str:
    """What is not UTF-8 is kept with lone surrogates, by which it is found not to be sound."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    if isinstance(value, str):
        return value
    raise OtherType


def _date(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else _text(value)


def _confirmed(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else _text(value)


def _preferences(value: Any) -> str:
    return "|".join(_text(each) for each in value) if isinstance(value, list) else _text(value)


_READERS: Mapping[str, Callable[[Any], str]] = {
    "phone_confirmed": _confirmed,
    "market_preferences": _preferences,
    "registered_at": _date,
    "date_created": _date,
}


def is_sound(values: list[str]) -> bool:
    """Whether a database and a person can be given COLUMNS' values. [C-4]"""
    if len(trim(values[0])) > LONGEST_ID or sum(map(len, values)) > LONGEST_LINE:
        return False
    return not any(not value.isprintable() and _is_broken(value) for value in values)


def _is_broken(value: str) -> bool:
    """Control characters, and bytes that are not UTF-8; other unprintable ones, such as no-break
    spaces, are no harm.
    """
    return any(
        ord(each) < 32 or 127 <= ord(each) < 160 or 0xD800 <= ord(each) <= 0xDFFF for each in value
    )
