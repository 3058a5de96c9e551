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
from datalake.choices import RecordType

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


def is_of_lake(record: Mapping[str, Any], campaign_id: str) -> bool:
    """Whether a record of an Avro file has the shape of stream and lake; else it has our columns.

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
        return True
    if set(REQUIRED) <= record.keys():
        return False
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


def cell_of(value: Any) -> str:
    """A value as text that is one line and has no tab, whatever it is: what is no text, and control
    characters, as `\\xNN`.
    """
    if isinstance(value, list):
        return "|".join(map(cell_of, value))
    if isinstance(value, bool):
        return _confirmed(value)
    if isinstance(value, datetime):
        return value.isoformat()
    text = text_of(value) if value is None or isinstance(value, (str, bytes)) else str(value)
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
        return text_of(value)
    except OtherType:
        return None


def has_odd_tags(record: Mapping[str, Any]) -> bool:
    """Whether its tags are no list, which makes it malformed."""
    return not isinstance(record.get("tags") or [], list)


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record in the shape of stream and lake by our columns. [L-1]"""
    created, has_phone = record["date"]["created"], bool(record.get("phone"))
    tags = [] if has_odd_tags(record) else record.get("tags") or []
    return {
        "global_user_id": record.get("globalUserId"),
        "member_id": record.get("memberId"),
        "email": record.get("email"),
        "phone": record.get("phone"),
        "phone_confirmed": _confirmed(has_phone and "unconfirmed_phone" not in tags),
        "market_preferences": record.get("marketId"),
        "registered_at": created,
        "date_created": created,
    }


def text_of(value: Any) -> str:
    """What is not UTF-8 is kept with lone surrogates, by which it is found not to be sound."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    if isinstance(value, str):
        return value
    raise OtherType


def _date(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else text_of(value)


def _confirmed(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else text_of(value)


def _preferences(value: Any) -> str:
    return "|".join(text_of(each) for each in value) if isinstance(value, list) else text_of(value)


READERS: Mapping[str, Callable[[Any], str]] = {
    "phone_confirmed": _confirmed,
    "market_preferences": _preferences,
    "registered_at": _date,
    "date_created": _date,
}
