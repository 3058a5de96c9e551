"""Archived records → rows for PostgreSQL's COPY: each one's snapshot, and the newest state of each.
Pure. [D-6, BR-020]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

import orjson

from demand.events.conversion import Archived

# reference id, record type: what makes two states states of the same record
Key: TypeAlias = tuple[str, str]
# changed at, sequence, row: of two, the larger is the newer
State: TypeAlias = tuple[datetime, int, str]

# a longer one is none that DynamoDB or Kinesis gives, and no column holds it
LARGEST_SEQUENCE = 10**60
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def common_of(archived: Archived) -> str:
    """What both rows of a record have: record_type, reference_id, changed_at, sequence, deleted."""
    reference_id, sequence = archived.reference_id, archived.sequence
    if not reference_id.isprintable() or "\\" in reference_id:
        reference_id = reference_id.translate(_ESCAPES)
    if not 0 <= sequence < LARGEST_SEQUENCE:
        sequence = 0
    deleted = "t" if archived.deleted else "f"
    changed_at = _written(archived.changed_at)
    return f"{archived.record_type}\t{reference_id}\t{changed_at}\t{sequence}\t{deleted}"


@lru_cache(maxsize=4096)
def _written(moment: datetime) -> str:
    """Streams say whole seconds, so many events share one."""
    return moment.isoformat()


def state_of(archived: Archived, common: str) -> State:
    """Its row: what is common, then fan_id, event_id, sale_id, record."""
    fan_id, event_id, sale_id = archived.fan_id, archived.event_id, archived.sale_id
    ids = fan_id + event_id + sale_id
    if not ids.isprintable() or "\\" in ids:
        fan_id, event_id, sale_id = (
            text.translate(_ESCAPES) for text in (fan_id, event_id, sale_id)
        )
    record = orjson.dumps(archived.record).decode()
    if "\\" in record:
        record = record.replace("\\", "\\\\")
    return (
        archived.changed_at,
        archived.sequence,
        f"{common}\t{fan_id}\t{event_id}\t{sale_id}\t{record}\n",
    )


def newest(states: Iterable[Mapping[Key, State]]) -> dict[Key, State]:
    """One state for each record: newest change, then highest sequence number, then the one that
    came last. [D-6]
    """
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
