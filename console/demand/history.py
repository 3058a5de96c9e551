"""The states of one record over time, read from the files of the archive. [BR-020]"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from datalake.avro import container
from datalake.errors import NoSuchObject, NotAvro
from datalake.models import LakeFile
from datalake.storage import buckets
from demand.models import CurrentRecord, Snapshot

STATES = 20  # a page reads as many files
LARGEST_FILE = 64 << 20  # compressed; a larger one is not read while a user waits

Read = tuple[dict[str, Any] | None, str]  # the record, or why it cannot be shown


@dataclass(frozen=True)
class State:
    """A record as it was after one change. `record` is None where its file cannot be read, and
    `why` then says so.
    """

    snapshot: Snapshot
    key: str
    record: dict[str, Any] | None
    why: str


def history(
    current: CurrentRecord, *, before: int | None = None
) -> tuple[list[State], State | None]:
    """Up to STATES states, newest first, older than the snapshot `before`; and the one that came
    before them, if there is one.

    Two queries (three with `before`), and each file is opened once.
    """
    rows = list(_snapshots(current, before)[: STATES + 1])
    files = LakeFile.objects.in_bulk({row.file_id for row in rows})
    numbers: defaultdict[int, set[int]] = defaultdict(set)
    for row in rows:
        numbers[row.file_id].add(row.number)
    read = {
        number: _read(files.get(number), wanted, current.reference_id)
        for number, wanted in numbers.items()
    }
    states = [
        State(
            row,
            files[row.file_id].key if row.file_id in files else "",
            *read[row.file_id][row.number],
        )
        for row in rows
    ]
    return states[:STATES], states[STATES] if len(states) > STATES else None


def _snapshots(current: CurrentRecord, before: int | None) -> Any:
    of_it = Snapshot.objects.filter(
        reference_id=current.reference_id, record_type=current.record_type
    )
    edge = of_it.filter(pk=before).first() if before else None
    if edge is not None:
        same = Q(changed_at=edge.changed_at)
        later = Q(sequence__lt=edge.sequence) | Q(sequence=edge.sequence, pk__lt=edge.pk)
        of_it = of_it.filter(Q(changed_at__lt=edge.changed_at) | (same & later))
    return of_it.order_by("-changed_at", "-sequence", "-pk")


def _read(file: LakeFile | None, numbers: Collection[int], reference_id: str) -> Mapping[int, Read]:
    """The records of a file at these places, or why each cannot be shown."""
    if file is None:
        return dict.fromkeys(numbers, (None, "Its file is no longer in the catalog."))
    if file.bytes > LARGEST_FILE:
        return dict.fromkeys(numbers, (None, "Its file is too large to be read on this page."))
    found: dict[int, Read] = dict.fromkeys(
        numbers, (None, "The record is no longer at its position in the file.")
    )
    last = max(numbers)
    try:
        with buckets.campaign_data().open(file.key) as source:
            for number, record in enumerate(container.read_records(source)):
                if number in found and record.get("reference", {}).get("id") == reference_id:
                    found[number] = (record, "")
                if number >= last:
                    break
    except (NoSuchObject, NotAvro, OSError):
        return {
            number: at if at[0] else (None, "Its file cannot be read. Try again later.")
            for number, at in found.items()
        }
    return found
