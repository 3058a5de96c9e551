"""A batch of change events → the files of the archive, its error files, and what the database is
told. Pure.

The same events at the same position give the same files under the same names, whenever and however
often. [D-5]
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from operator import itemgetter
from uuid import NAMESPACE_URL, uuid5

import polars as pl

from datalake.avro import container
from datalake.erased.fans import NOBODY_ERASED, Erased
from demand.archiving.rows import Key, State, common_of, state_of
from demand.choices import ErrorType
from demand.events.conversion import Archived, Failed, judge
from demand.schemas import schema_of
from operations import instants

# the root of every file name made from what the file holds
NAMES = uuid5(NAMESPACE_URL, "fairwave:demand")
MOST_EVENTS = 1_000  # of a batch [D-1]
# The texts of error files, which stay as they are; pages show the labels. [BR-017]
IN_FILES = {
    ErrorType.NOT_UTF8: "not UTF-8",
    ErrorType.NOT_JSON: "not JSON",
    ErrorType.TOO_LARGE: "too large",
    ErrorType.WRONG_ENVELOPE: "no change event",
    ErrorType.MISSING_IMAGE: "without image",
    ErrorType.UNKNOWN_TYPE: "unknown type",
    ErrorType.INVALID_FIELD: "a field is missing or of the wrong type",
    ErrorType.INVALID_DATE: "a date is missing or cannot be read",
    ErrorType.ERASED: "of erased fans",
}
GONE = Failed(ErrorType.ERASED, "from before the erasure of its fan", "[erased]")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A container file: the batch's records of one type and partition date, in the events' order.
    [BR-012, BR-016]

    `snapshots` are rows for COPY, one for each record: its number in the file, and rows.common_of.
    """

    key: str
    record_type: str
    partition_date: str
    schema: str
    content: bytes
    records: int
    content_hash: int
    sha256: str
    snapshots: list[str]


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """An error file: the batch's events that failed for one reason, scrubbed. [BR-017, D-4, D-5]"""

    key: str
    error_type: ErrorType
    content: bytes
    events: int


@dataclass(frozen=True, slots=True)
class Decided:
    """The result of a batch: `events` = `archived` + `errors`, by construction counted apart.
    [D-5]

    `states` holds the newest state of each record of the batch. [D-6]
    """

    events: int
    files: tuple[DataFile, ...]
    error_files: tuple[ErrorDocument, ...]
    states: dict[Key, State]
    unknown_attributes: int
    systems_left_out: int

    @property
    def archived(self) -> int:
        return sum(file.records for file in self.files)

    @property
    def errors(self) -> int:
        return sum(file.events for file in self.error_files)

    @property
    def type_counts(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for file in self.files:
            counts[file.record_type] += file.records
        return dict(counts)

    @property
    def error_counts(self) -> dict[str, int]:
        return {file.error_type.value: file.events for file in self.error_files}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the files of a batch go: prefix, what their names are made of, the time in their
    names.
    """

    prefix: str
    position: str
    stamp: str

    def key(self, folder: str, what: str) -> str:
        ending = "json" if folder == "errors" else "avro"
        name = uuid5(NAMES, f"{self.position}:{what}")
        return f"{self.prefix}/{folder}/{self.stamp}-{name}.{ending}"


class _Group:
    """Records of one type and partition date, in the events' order. [BR-012]"""

    __slots__ = ("encoded", "snapshots")

    def __init__(self) -> None:
        self.encoded: list[bytes] = []
        self.snapshots: list[str] = []

    def add(self, encoded: bytes, common: str) -> None:
        self.snapshots.append(f"{len(self.encoded)}\t{common}\n")
        self.encoded.append(encoded)


def decide(
    source: str,
    first: str,
    last: str,
    raws: Sequence[bytes | Failed],
    *,
    now: datetime,
    sequences: Sequence[int] | None = None,
    prefix: str = "demand",
    erased: Erased = NOBODY_ERASED,
) -> Decided:
    """Judge the events from `first` to `last` of a source and make the files of them. What is
    dated up to the erasure of its fan is an error, and nothing of it is kept. [X-11]

    An event may come as Failed, if its reader found the error. `now` is used where an event says
    no time of its own, so a repeat needs the same; `sequences` where one has no sequence number.
    """
    groups: dict[tuple[str, str], _Group] = defaultdict(_Group)
    failures: dict[ErrorType, list[tuple[int, Failed]]] = defaultdict(list)
    states: dict[Key, State] = {}
    changed_at: datetime | None = None
    unknown_attributes = systems_left_out = 0
    # one after the other: nothing of an event is held when the next one is judged
    judged = (
        judge(raw, now=now, sequence=sequence) if isinstance(raw, bytes) else raw
        for raw, sequence in zip(raws, sequences or repeat(0), strict=False)
    )
    for position, found in enumerate(_without_erased(judged, erased)):
        if isinstance(found, Failed):
            failures[found.error_type].append((position, found))
            continue
        common = common_of(found)
        groups[found.record_type, found.partition_date].add(found.encoded, common)
        key = (found.reference_id, found.record_type)
        known = states.get(key)
        if known is None or (found.changed_at, found.sequence) >= known[:2]:
            states[key] = state_of(found, common)
        if found.own_time and (changed_at is None or found.changed_at > changed_at):
            changed_at = found.changed_at
        unknown_attributes += found.unknown_attributes
        systems_left_out += found.system_left_out
    place = _Place(prefix, f"{source}:{first}-{last}", time_in_name(changed_at or now))
    return Decided(
        events=len(raws),
        files=tuple(
            _data_file(place, *names, group)
            for names, group in sorted(groups.items(), key=itemgetter(0))
        ),
        error_files=tuple(
            _error_file(place, kind, failures[kind], now=now)
            for kind in ErrorType
            if kind in failures
        ),
        states=states,
        unknown_attributes=unknown_attributes,
        systems_left_out=systems_left_out,
    )


def _without_erased(
    found: Iterable[Archived | Failed], erased: Erased
) -> Iterable[Archived | Failed]:
    if erased.fans.is_empty():
        return found
    judged = list(found)
    fans = [found.fan_id if isinstance(found, Archived) else "" for found in judged]
    dates = [found.changed_at if isinstance(found, Archived) else None for found in judged]
    gone = erased.are_before(pl.Series(fans), pl.Series(dates, dtype=pl.Datetime("us", "UTC")))
    return [GONE if is_gone else found for found, is_gone in zip(judged, gone, strict=True)]


def time_in_name(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, its colons replaced: 2026-01-20T18-00-00.000Z. [BR-015]"""
    return instants.stamp(moment).replace(":", "-")


def _data_file(place: _Place, record_type: str, partition_date: str, group: _Group) -> DataFile:
    key = place.key(
        f"data/{record_type}/partition_date={partition_date}", f"{record_type}/{partition_date}"
    )
    schema = schema_of(record_type)
    out = io.BytesIO()
    summary = container.write(out, schema, group.encoded, name=key)
    content = out.getvalue()
    return DataFile(
        key=key,
        record_type=record_type,
        partition_date=partition_date,
        schema=schema.name,
        content=content,
        records=summary.records,
        content_hash=summary.content_hash,
        sha256=hashlib.sha256(content).hexdigest(),
        snapshots=group.snapshots,
    )


def _error_file(
    place: _Place, kind: ErrorType, failures: list[tuple[int, Failed]], *, now: datetime
) -> ErrorDocument:
    """`details` says of each event its number in the batch, from 1, and what is wrong with it."""
    count = len(failures)
    document = {
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
        "error": {
            "type": kind.value,
            "message": f"{count:,} {'event' if count == 1 else 'events'}: {IN_FILES[kind]}",
        },
        "events": [failed.kept for _, failed in failures],
        "details": [
            {"position": position + 1, "message": failed.message} for position, failed in failures
        ],
    }
    content = json.dumps(document, separators=(",", ":")).encode()
    return ErrorDocument(place.key("errors", kind.value), kind, content, count)
