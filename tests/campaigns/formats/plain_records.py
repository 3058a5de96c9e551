"""Records of registrations read one value after the other: what the columns must equal. [C-4]"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.formats.registration_records import (
    COLUMNS,
    READERS,
    OtherType,
    cell_of,
    flat,
    has_odd_tags,
    is_of_lake,
    text_of,
)
from campaigns.formats.score_rows import KEPT_OF_A_LONG_LINE, LONGEST_ID, LONGEST_LINE
from operations.entry.trimming import trim


def values_of_record(record: Mapping[str, Any], campaign_id: str) -> list[str] | None:
    """COLUMNS' values of a record of an Avro file; None where it is malformed."""
    return values_of(record) if is_of_lake(record, campaign_id) else _values(record)


def values_of(record: Mapping[str, Any]) -> list[str] | None:
    """A `registration` record of stream or lake as COLUMNS' values; None where it is malformed.
    [L-1]
    """
    return None if has_odd_tags(record) else _values(flat(record))


def cells_of(record: Mapping[str, Any], columns: tuple[str, ...], campaign_id: str) -> list[str]:
    """The record's values as text that is one line and has no tab, whatever they are: what is no
    text, and control characters, as `\\xNN`. Those of a record that is too long are cut.
    """
    shown = flat(record) if is_of_lake(record, campaign_id) else record
    cells = [cell_of(shown.get(name)) for name in columns]
    if sum(map(len, cells)) > LONGEST_LINE:
        cells = [cell[:KEPT_OF_A_LONG_LINE] for cell in cells]
    return cells


def _values(given: Mapping[str, Any]) -> list[str] | None:
    try:
        values = [READERS.get(name, text_of)(given.get(name)) for name in COLUMNS]
    except OtherType:
        return None
    return values if is_sound(values) else None


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
