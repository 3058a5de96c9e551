"""Archived records → rows for PostgreSQL's COPY: each one's snapshot, and the newest state of each. Pure. [D-6, BR-020]"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

import orjson

from demand.events import Archived

Key: TypeAlias = tuple[str, str]  # reference id, record type: what makes two states states of the same record
State: TypeAlias = tuple[datetime, int, str]  # changed at, sequence, row: of two, the larger is the newer

LARGEST_SEQUENCE = 10**60  # a longer one is none that DynamoDB or Kinesis gives, and no column holds it
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def common_of(archived: Archived) -> tuple[str, str]:
    """What both rows of a record have: its reference id, and changed_at, sequence and deleted."""
    sequence = archived.sequence if 0 <= archived.sequence < LARGEST_SEQUENCE else 0
    reference_id = archived.reference_id
    if not _is_plain(reference_id):
        reference_id = reference_id.translate(_ESCAPES)
    return reference_id, f"{archived.changed_at.isoformat()}\t{sequence}\t{'t' if archived.deleted else 'f'}"


def snapshot_row(archived: Archived, number: int, common: tuple[str, str]) -> str:
    """number, record_type, reference_id, changed_at, sequence, deleted; the number of the file is put before it."""
    reference_id, age = common
    return f"{number}\t{archived.record_type}\t{reference_id}\t{age}\n"


def state_of(archived: Archived, common: tuple[str, str]) -> State:
    """Its row: reference_id, record_type, fan_id, event_id, sale_id, changed_at, sequence, deleted, record."""
    reference_id, age = common
    fan_id, event_id, sale_id = archived.fan_id, archived.event_id, archived.sale_id
    if not _is_plain(fan_id + event_id + sale_id):
        fan_id, event_id, sale_id = (text.translate(_ESCAPES) for text in (fan_id, event_id, sale_id))
    record = orjson.dumps(archived.record).decode()
    if "\\" in record:
        record = record.replace("\\", "\\\\")
    row = f"{reference_id}\t{archived.record_type}\t{fan_id}\t{event_id}\t{sale_id}\t{age}\t{record}\n"
    return archived.changed_at, archived.sequence, row


def newest(states: Iterable[Mapping[Key, State]]) -> dict[Key, State]:
    """One state for each record: newest change, then highest sequence number, then the one that came last. [D-6]"""
    found: dict[Key, State] = {}
    for each in states:
        if not found:
            found = dict(each)
            continue
        for key, state in each.items():
            known = found.get(key)
            if known is None or state[:2] >= known[:2]:
                found[key] = state
    return found


def _is_plain(ids: str) -> bool:
    """Whether COPY's text format has them as they are, as it nearly always does."""
    return ids.isprintable() and "\\" not in ids
