"""A batch of change events into the archive, each exactly once wherever the work is killed. [D-5]

    claim → attempt counted → files written →
    one transaction: catalogue, error files, snapshots, current states, batch DONE

Files that a dead attempt left are written again under the same names with the same bytes: the names
are made from the batch's position, and what an event does not say of its time is the batch's own.
Readers see nothing before the last step.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone

from datalake import catalogue
from datalake.catalogue import NewFile
from datalake.erased.fans import NOBODY_ERASED, Erased, known
from datalake.layout import parse_period
from datalake.models import LakeFile
from datalake.storage import buckets
from demand.archiving import current
from demand.archiving.batches import DataFile, Decided, decide
from demand.archiving.rows import newest
from demand.choices import BatchState, ErrorType
from demand.errors import BatchTaken
from demand.events.conversion import Failed
from demand.models import Batch, Delivery, ErrorFile
from operations import alerts
from operations.database.locks import try_lock_in_transaction
from operations.database.statements import commit_without_waiting
from operations.models import Alert
from operations.plurals import plural
from operations.threads import helper_thread

logger = logging.getLogger(__name__)

STREAM = "kinesis:"
# files of a batch on their way to the bucket; each waits for the disk or the network, not for the
# others
AT_ONCE = 8
COUNTS = (
    "archived",
    "errors",
    "error_counts",
    "type_counts",
    "unknown_attributes",
    "systems_left_out",
    "seconds",
    "done_at",
)
_DONE = ", ".join(f"{name} = given.{name}" for name in ("state", *COUNTS))
QUIET = timedelta(minutes=5)  # a stream's errors cause no more than one alert in this time


@dataclass(slots=True)
class Part:
    """A batch that this attempt works on, and what it decided."""

    batch: Batch
    decided: Decided
    began: float = field(default_factory=time.monotonic)


def claim(
    source: str, first: str, last: str, events: int, *, created_at: datetime | None = None
) -> Batch:
    """The batch of these events, made if it is new. `created_at` is used where an event says
    no time of its own.

    A batch that is known keeps what was written at its first claim.
    """
    values = {"last": last, "events": events, "created_at": created_at or timezone.now()}
    return Batch.objects.get_or_create(source=source, first=first, defaults=values)[0]


def archive(
    batch: Batch,
    raws: Sequence[bytes | Failed],
    *,
    sequences: Sequence[int] | None = None,
    wait: bool = False,
) -> Batch:
    """Archive a claimed batch; one that is done or lost is given back as it is.

    `sequences` order events that have no sequence number. `wait`: see `deliver`. Raises OSError
    while the bucket is down, BatchTaken when another attempt won; the batch is then as open as
    before.
    """
    began = time.monotonic()
    if begin([batch]):
        decided = decide_batch(batch, raws, sequences=sequences, erased=known())
        part = Part(batch, decided, began)
        write([part])
        deliver([part], wait=wait)
    return batch


def claim_all(
    source: str, spans: Sequence[tuple[str, str, int]], *, created_at: datetime
) -> list[Batch]:
    """As `claim`, for several batches of one source: first, last and number of events of each."""
    new = [
        Batch(source=source, first=first, last=last, events=events, created_at=created_at)
        for first, last, events in spans
    ]
    Batch.objects.bulk_create(new, ignore_conflicts=True)
    batches = Batch.objects.filter(source=source, first__in=[first for first, _, _ in spans])
    known = {batch.first: batch for batch in batches}
    return [known[first] for first, _, _ in spans]


def begin(batches: Sequence[Batch]) -> list[Batch]:
    """Count an attempt of each. Returns those that are to be worked on; done and lost ones are left
    out. Raises BatchTaken.
    """
    waiting = [batch for batch in batches if batch.state == BatchState.OPEN]
    won = _move(waiting, "attempt = batch.attempt + 1", [{} for _ in waiting])
    for batch in waiting:
        if batch.pk in won:
            batch.attempt += 1
            continue
        batch.refresh_from_db()
        if batch.state == BatchState.OPEN:
            raise _taken(batch)
    return [batch for batch in waiting if batch.state == BatchState.OPEN]


def _move(batches: Sequence[Batch], change: str, values: Sequence[dict[str, object]]) -> set[int]:
    """One conditional UPDATE of several batches; `values` of each are named in `change` as
    given.{name}. Returns who won.
    """
    rows = [
        {"id": batch.pk, "attempt": batch.attempt} | given
        for batch, given in zip(batches, values, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE demand_batch batch SET {change}
                FROM jsonb_populate_recordset(NULL::demand_batch, %s) AS given
                WHERE batch.id = given.id AND batch.attempt = given.attempt AND batch.state = %s
                RETURNING batch.id""",  # noqa: S608 both changes stand in this module
            [json.dumps(rows, cls=DjangoJSONEncoder), BatchState.OPEN.value],
        )
        return {number for (number,) in cursor.fetchall()}


def decide_batch(
    batch: Batch,
    raws: Sequence[bytes | Failed],
    *,
    sequences: Sequence[int] | None = None,
    erased: Erased = NOBODY_ERASED,
) -> Decided:
    """The results of the batch's events; reads no database, so it may run ahead in another
    thread.
    """
    if len(raws) != batch.events:
        raise ValueError(f"Batch {batch} has {batch.events} events, not {len(raws)}.")
    return decide(
        batch.source,
        batch.first,
        batch.last,
        raws,
        now=batch.created_at,
        sequences=sequences,
        prefix=settings.DEMAND_PREFIX,
        erased=erased,
    )


def write(parts: Sequence[Part]) -> None:
    """Put the files of all parts into the bucket, several at once; no reader sees them yet. Raises
    OSError.
    """
    if not parts:
        return
    bucket = buckets.campaign_data()
    files = [(file.key, file.content) for part in parts for file in part.decided.files]
    files += [(file.key, file.content) for part in parts for file in part.decided.error_files]
    with helper_thread("demand-files", threads=min(AT_ONCE, len(files)) or 1) as executor:
        for written in [executor.submit(bucket.put, key, content) for key, content in files]:
            written.result()


def deliver(parts: Sequence[Part], *, wait: bool = False) -> None:
    """Make the parts' files visible and their batches DONE, all or none. Raises BatchTaken.

    Unless `wait` is set, the commit may be lost with the server's power: the batches, whose claims
    are on the disk, are then open and archived again to the same end.
    """
    if not parts:
        return
    with transaction.atomic():
        if not wait:
            commit_without_waiting()
        _finish(parts)
        entered = _enter_files(parts)
        _enter_error_files(parts)
        current.enter_states(newest(part.decided.states for part in parts))
        catalogue.add_to_days([_new_file(file) for part in parts for file in part.decided.files])
        for part in parts:
            _alert(part)
    _register_partitions(entered)
    for part in parts:
        logger.info("batch archived", extra=_counts_of(part))


def _finish(parts: Sequence[Part]) -> None:
    """DONE with their counts; the ledger's constraint judges them. Raises BatchTaken."""
    counts = [_counts(part) for part in parts]
    won = _move([part.batch for part in parts], _DONE, counts)
    for part, values in zip(parts, counts, strict=True):
        if part.batch.pk not in won:
            raise _taken(part.batch)
        for name, value in values.items():
            setattr(part.batch, name, value)


def _counts(part: Part) -> dict[str, object]:
    decided = part.decided
    return {
        "state": BatchState.DONE,
        "archived": decided.archived,
        "errors": decided.errors,
        "error_counts": decided.error_counts,
        "type_counts": decided.type_counts,
        "unknown_attributes": decided.unknown_attributes,
        "systems_left_out": decided.systems_left_out,
        "seconds": time.monotonic() - part.began,
        "done_at": timezone.now(),
    }


def _enter_files(parts: Sequence[Part]) -> list[LakeFile]:
    files = [(part.batch, file) for part in parts for file in part.decided.files]
    entered = catalogue.enter_delivered([_new_file(file) for _, file in files])
    Delivery.objects.bulk_create(
        [
            Delivery(batch=batch, file=known)
            for (batch, _), known in zip(files, entered, strict=True)
        ]
    )
    current.enter_snapshots(
        [(known.pk, file.snapshots) for (_, file), known in zip(files, entered, strict=True)]
    )
    return entered


def _enter_error_files(parts: Sequence[Part]) -> None:
    ErrorFile.objects.bulk_create(
        [
            ErrorFile(
                batch=part.batch, error_type=file.error_type, key=file.key, events=file.events
            )
            for part in parts
            for file in part.decided.error_files
        ]
    )


def _new_file(file: DataFile) -> NewFile:
    return NewFile(
        file.key,
        file.record_type,
        parse_period(file.partition_date),
        file.schema,
        file.records,
        len(file.content),
        file.content_hash,
        file.sha256,
    )


def _alert(part: Part) -> None:
    """A stream's errors cause an alert at once, but then not again for a while; an upload's at
    its end.
    """
    batch = part.batch
    if batch.error_counts.keys() <= {ErrorType.ERASED} or not batch.source.startswith(STREAM):
        return
    begins = f":warning: Demand archive, {batch.source}: "
    # one worker sends the alert; another at the same time sends none
    if (
        try_lock_in_transaction(begins)
        and not Alert.objects.filter(
            text__startswith=begins, created_at__gt=timezone.now() - QUIET
        ).exists()
    ):
        alerts.alert(f"{begins}{errors_in_words(batch.errors, batch.events, batch.error_counts)}")


def errors_in_words(errors: int, events: int, counts: dict[str, int]) -> str:
    """`3 of 1,000 change events could not be archived: Not JSON 2, Missing image 1. See …`"""
    kinds = ", ".join(f"{kind.label} {counts[kind]:,}" for kind in ErrorType if kind in counts)
    return (
        f"{errors:,} of {plural(events, 'change event')} could not be archived:"
        f" {kinds}. See the Error files page."
    )


def _register_partitions(entered: Sequence[LakeFile]) -> None:
    """After the commit: partitions that Glue does not get now are added later. [D-8]"""
    if settings.GLUE_DATABASE and entered:
        from demand.archiving import glue_partitions  # boto3 is not loaded where there is no Glue

        glue_partitions.register(entered)


def _counts_of(part: Part) -> dict[str, object]:
    batch = part.batch
    return {
        "batch": batch.pk,
        "source": batch.source,
        "events": batch.events,
        "archived": batch.archived,
        "errors": batch.errors,
        "files": len(part.decided.files),
        "unknown_attributes": batch.unknown_attributes,
        "seconds": round(batch.seconds, 3),
    }


def _taken(batch: Batch) -> BatchTaken:
    return BatchTaken(f"Batch {batch} is being archived by another worker, or is already archived.")
