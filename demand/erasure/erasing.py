"""A fan is erased from the demand archive: from its files, its error files, the current states,
snapshots and selected events. [X-11]

    look → current states; each file without the fan, replaced, its snapshots; error files →
    look again

Until a look finds nothing: a batch that was being archived may have added records of the fan
meanwhile. An object is reported before it is changed, rows in the transaction that deletes them: a
receipt misses nothing, wherever the work dies; a repeated run continues. All other records keep
their bytes. Whoever reads a file meanwhile has it as it was, or as it is after. A file is replaced
a moment before its catalogue entry is, so a reader who compares the two may have to look again.

Tolerated: a worker that was taken over, and wakes when its batch is done and erased, puts back the
file it was about to write. An erasure of the same fan looks into the files of the earlier ones
(`again`), and takes the fan out once more.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from datalake.avro import container
from datalake.errors import NoSuchObject, NotAvro
from datalake.models import LakeFile
from datalake.storage import buckets
from demand.choices import BatchState
from demand.erasure import rewriting
from demand.erasure.scrubbing import ERASED, forget_events, speaks_of
from demand.errors import CannotErase
from demand.models import LONGEST_REFERENCE, Batch, CurrentRecord, Snapshot
from demand.selected_events import forgetting
from operations.database.locks import exclusive
from operations.plurals import plural

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0  # for batches that are being archived; one takes a fraction of a second
LOOK_SECONDS = 0.2
KEYS_AT_A_TIME = 1_000
# where the scoring bucket keeps uploaded files until all their events are archived
UPLOADED = "demand/uploaded"

FILE, ERROR_FILE, TABLE = "file", "error file", "table"


@dataclass(frozen=True)
class Place:
    """Something that held the fan: `name` is an object's key or a table's name; `count` its
    records, events or rows.
    """

    what: str
    name: str
    count: int


@dataclass(frozen=True)
class Left:
    """What an erasure did not reach, how much of it (None = not counted), and why."""

    place: str
    count: int | None
    why: str


@dataclass(frozen=True)
class Erased:
    """How an erasure ended: whatever was archived before `until` is without the fan, except in what
    is `left`.
    """

    until: datetime
    left: list[Left]


@dataclass
class Erasing:
    """One erasure under way: the fan, how to report it, and what was looked at and need not be
    looked at again.
    """

    fan_id: str
    touch: Callable[[Place], object]
    report_progress: Callable[[int, int], object]
    without: set[int] = field(default_factory=set)  # files that another fan's reference led to
    seen: set[str] = field(default_factory=set)  # error files
    broken: dict[str, str] = field(default_factory=dict)
    # files that are not in the catalogue, and not as ours are
    foreign: set[str] = field(default_factory=set)


def erase(
    fan_id: str,
    *,
    touch: Callable[[Place], object],
    again: Iterable[str] = (),
    report_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Erased:
    """Take the fan out of everything that is archived.

    `touch` is called with each object before it is changed, and again with the same if the work is
    repeated; with a table whenever rows are deleted, in the same transaction. `again` names files
    that an earlier erasure of the fan has touched; `report_progress` is called with how many
    objects are read, and how many there are.

    One erasure works at a time, others wait. Raises CannotErase for what is no fan id, and, when
    all else is done, for files that cannot be read; OSError while the bucket is down, and
    TableUnreachable while the table of selected events is.
    """
    require_fan_id(fan_id)
    forgetting.forget(fan_id, touch=lambda rows: touch(Place(TABLE, "selected events", rows)))
    erasing = Erasing(fan_id, touch, report_progress)
    with exclusive("demand:erasure"):
        rewriting.settle()
        _rewrite_all(erasing, {key: {} for key in again})
        deadline, whole = time.monotonic() + PATIENCE_SECONDS, True
        while True:
            until, at_work = timezone.now(), Batch.objects.filter(state=BatchState.OPEN).count()
            if not _look(erasing, whole=whole):
                if not at_work or time.monotonic() > deadline:
                    break
                time.sleep(LOOK_SECONDS)
            whole = False
        _forget_unfinished()
    if erasing.broken:
        key, why = next(iter(erasing.broken.items()))
        raise CannotErase(
            f"The fan could not be erased from {plural(len(erasing.broken), 'object')},"
            f" including {key} ({why}). All other objects are finished. Repair these objects"
            " or move them away, and run the erasure again."
        )
    return Erased(until, list(_left(at_work, len(erasing.foreign))))


def _forget_unfinished() -> None:
    """Half-written files of killed processes, hidden from every look, may hold anybody; their work
    was or will be done anew.
    """
    buckets.campaign_data().delete_unfinished(settings.DEMAND_PREFIX)
    buckets.scoring().delete_unfinished(UPLOADED)


def require_fan_id(fan_id: str) -> None:
    """Raises CannotErase, which does not name it, for what can be no fan's id."""
    if (
        not fan_id
        or fan_id != fan_id.strip()
        or len(fan_id) > LONGEST_REFERENCE
        or "\0" in fan_id
        or fan_id == ERASED
    ):
        raise CannotErase(
            f"This is not a fan id. A fan id has 1 to {LONGEST_REFERENCE} characters and no"
            " spaces around it."
        )


def _left(at_work: int, foreign: int) -> Iterator[Left]:
    if at_work:
        yield Left(
            "batches of the demand archive",
            at_work,
            "not fully archived at the last check",
        )
    if (versions := buckets.campaign_data().keeps_versions()) is not False:
        why = (
            "kept by the bucket's versioning"
            if versions
            else "may be kept by the bucket's versioning, which could not be checked"
        )
        yield Left("older versions of replaced objects", None, why)
    if foreign:
        yield Left(
            "files in the demand archive that Fairwave did not write",
            foreign,
            "not in the catalog and not readable",
        )
    if uploads := sum(1 for _ in buckets.scoring().list(f"{UPLOADED}/")):
        yield Left(
            "uploaded files of change events",
            uploads,
            "kept until they are archived, and not searched",
        )


def _look(erasing: Erasing, *, whole: bool) -> int:
    """Erase what is found now; returns how many places were touched. Objects that no batch claims
    are looked into by the first, `whole` look only: later ones belong to batches, which are
    counted.
    """
    touched = _erase_states(erasing)
    touched += _rewrite_all(erasing, _files_of(erasing))
    touched += _erase_error_files(erasing)
    if whole:
        touched += sum(_erase_unclaimed(erasing, key) for key in _unclaimed())
    return touched


def _erase_states(erasing: Erasing) -> int:
    """Row by row: a batch locks the rows of many fans in an order of its own."""
    rows = list(CurrentRecord.objects.filter(fan_id=erasing.fan_id).values_list("pk", flat=True))
    for row in rows:
        _delete(
            erasing, "current records", CurrentRecord.objects.filter(pk=row, fan_id=erasing.fan_id)
        )
    return len(rows)


def _delete(erasing: Erasing, table: str, rows: QuerySet[Any]) -> None:
    with transaction.atomic():
        deleted, _ = rows.delete()
        if deleted:
            erasing.touch(Place(TABLE, table, deleted))


def _files_of(erasing: Erasing) -> dict[str, dict[int, str]]:
    """Key → record number → reference, of all files that may hold the fan. Every snapshot is looked
    at, for nothing else knows them all; 0.1 s a million.
    """
    rows = Snapshot.objects.filter(reference_id__endswith=f"_{erasing.fan_id}").exclude(
        file_id__in=erasing.without
    )
    found = rows.order_by("file_id", "number").values_list("file_id", "number", "reference_id")
    numbers = {
        file_id: {number: name for _, number, name in group}
        for file_id, group in groupby(found, lambda row: row[0])
    }
    keys = LakeFile.objects.filter(pk__in=numbers).order_by("key").values_list("pk", "key")
    return {key: numbers[pk] for pk, key in keys}


def _rewrite_all(erasing: Erasing, files: Mapping[str, Mapping[int, str]]) -> int:
    touched = 0
    for done, (key, references) in enumerate(files.items()):
        erasing.report_progress(done, len(files))
        file = LakeFile.objects.filter(key=key).first()
        if file is None or key in erasing.broken:
            continue
        try:
            touched += _erase_from_file(erasing, file, references)
        except (NotAvro, NoSuchObject, ValueError) as error:
            erasing.broken[key] = str(error)
    return touched


def _erase_from_file(erasing: Erasing, file: LakeFile, references: Mapping[int, str]) -> int:
    content = rewriting.content_without(file.key, erasing.fan_id, references)
    if not content.numbers:
        erasing.without |= {file.pk} if references else set()
        return 0
    if content.changed:
        entered = container.Summary(file.records, int(file.content_hash, 16))
        if entered not in (content.before, content.after):
            erasing.broken[file.key] = "it does not match its catalog entry"
            return 0
        erasing.touch(Place(FILE, file.key, content.changed))
        rewriting.replace(file.key, content.data)
    rows = Snapshot.objects.filter(
        reference_id__in=set(references.values()), file_id=file.pk, number__in=content.numbers
    )
    _delete(erasing, "snapshots", rows)
    return 1


def _erase_error_files(erasing: Erasing) -> int:
    """Every error file is read: nothing says whose events it holds. Those in the bucket count,
    entered or not.
    """
    keys = [
        key
        for key in buckets.campaign_data().list(f"{settings.DEMAND_PREFIX}/errors/")
        if key not in erasing.seen
    ]
    touched = 0
    for done, key in enumerate(keys):
        erasing.report_progress(done, len(keys))
        erasing.seen.add(key)
        touched += _erase_from_errors(erasing, key)
    return touched


def _erase_from_errors(erasing: Erasing, key: str) -> int:
    with buckets.campaign_data().open(key) as source:
        data = source.read()
    try:
        document, events = forget_events(json.loads(data), erasing.fan_id)
    except (ValueError, AttributeError, RecursionError) as error:
        if speaks_of(erasing.fan_id)(data.decode("utf-8", "replace")):
            erasing.broken[key] = f"it is not an error file: {type(error).__name__}"
        return 0
    if events:
        erasing.touch(Place(ERROR_FILE, key, events))
        rewriting.replace(key, json.dumps(document, separators=(",", ":")).encode())
    return int(events > 0)


def _unclaimed() -> Iterator[str]:
    """Files of the archive that are not in the catalogue: of batches that are open, or were lost
    after they had written.
    """
    keys = buckets.campaign_data().list(f"{settings.DEMAND_PREFIX}/data/")
    while some := list(islice(keys, KEYS_AT_A_TIME)):
        known = set(LakeFile.objects.filter(key__in=some).values_list("key", flat=True))
        yield from (key for key in some if key not in known)


def _erase_unclaimed(erasing: Erasing, key: str) -> int:
    try:
        content = rewriting.content_without(key, erasing.fan_id, {})
    except NoSuchObject:
        return 0
    except (NotAvro, ValueError):
        erasing.foreign.add(key)
        return 0
    if content.changed:
        erasing.touch(Place(FILE, key, content.changed))
        rewriting.replace(key, content.data)
    return int(content.changed > 0)
