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


def snapshot_row(archived: Archived, number: int) -> str:
    """number, record_type, reference_id, changed_at, sequence, deleted; the file's number is put before it."""
    reference_id = escaped(archived.reference_id)
    deleted = "t" if archived.deleted else "f"
    changed_at = archived.changed_at.isoformat()
    return f"{number}\t{archived.record_type}\t{reference_id}\t{changed_at}\t{_sequence(archived)}\t{deleted}\n"


def state_of(archived: Archived) -> State:
    """Its row: reference_id, record_type, fan_id, event_id, sale_id, changed_at, sequence, deleted, record."""
    sequence, changed_at = _sequence(archived), archived.changed_at.isoformat()
    deleted = "t" if archived.deleted else "f"
    record = orjson.dumps(archived.record).decode()
    if "\\" in record:
        record = record.replace("\\", "\\\\")
    row = (
        f"{escaped(archived.reference_id)}\t{archived.record_type}\t{escaped(archived.fan_id)}\t{escaped(archived.event_id)}\t"
        f"{escaped(archived.sale_id)}\t{changed_at}\t{sequence}\t{deleted}\t{record}\n"
    )
    return archived.changed_at, sequence, row


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


def escaped(text: str) -> str:
    """As COPY's text format has it. Ids hardly ever need it."""
    return text.translate(_ESCAPES) if "\\" in text or not text.isprintable() else text


def _sequence(archived: Archived) -> int:
    return archived.sequence if 0 <= archived.sequence < LARGEST_SEQUENCE else 0
