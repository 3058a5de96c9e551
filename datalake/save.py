"""Stream → lake. The range of positions is claimed first and the files' names are made from it: a
repeat writes the same files.

Each step is safe to die in: claim (transaction) → enter identities (transaction) → write files →
enter files, dead letters and position (transaction). Readers see the files only after the last.
[L-1, L-2, T-1]
"""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import compress
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from datalake import catalogue, layout, streams
from datalake.avro import columns, container
from datalake.catalogue import NewFile
from datalake.choices import ClaimState
from datalake.layout import Period
from datalake.models import Checkpoint, Claim
from datalake.records import frame_of, normalise, partition_day, schema_of
from datalake.schemas import SCHEMAS
from datalake.storage import buckets
from datalake.streams import consumers, deadletters, deduplication
from datalake.streams.batches import Batch, unpack_frame, unpack_records
from datalake.streams.consumers import Consumed
from datalake.streams.deadletters import StreamRecord
from operations.database.locks import exclusive

CONSUMER = "lake"
# What apps above want to do when the lake's position in a stream has moved, in the same
# transaction; see AppConfig.ready().
WATCHERS: list[Callable[[str], object]] = []


@dataclass
class ClaimContents:
    """What a claim holds: record frames by type, dead letters, and the number of all records."""

    frames: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    rejected: list[StreamRecord] = field(default_factory=list)
    records_in: int = 0

    def add_records(self, position: int, records: Iterable[Any]) -> None:
        """Normalise records one by one; what is invalid is rejected."""
        valid: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for index, record in enumerate(records):
            self.records_in += 1
            try:
                clean = normalise(record)
            except ValueError as error:
                self.rejected.append(StreamRecord(position, index, str(error), record))
            else:
                valid[clean["type"]].append(clean)
        for record_type, clean_records in valid.items():
            self.frames[record_type].append(frame_of(record_type, clean_records))

    def add_batch(self, batch: Batch) -> None:
        """Frames were checked when they were published; those of another version of a schema are
        looked at again.
        """
        record_type = batch.payload.schema.partition(".")[0]
        if record_type in SCHEMAS and SCHEMAS[record_type].name == batch.payload.schema:
            self.frames[record_type].append(unpack_frame(batch.payload))
            self.records_in += batch.payload.records
        else:
            self.add_records(batch.position, unpack_records(batch.payload))


def save(stream: str, batches: int = consumers.BATCHES) -> Consumed | None:
    """Save at most so many batches of the stream; None when nothing is there."""
    with exclusive(f"lake:{stream}"):
        claim = _claim_range(stream, batches)
        if claim is None:
            return None
        contents = ClaimContents()
        for batch in streams.read(stream, claim.first, claim.last):
            contents.add_batch(batch)
        return save_claim(claim, contents, commit=lambda: _move_on(claim))


def _claim_range(stream: str, batches: int) -> Claim | None:
    """The claim a killed process left, or a new one; committed before any work."""
    with transaction.atomic():
        position = consumers.lock_checkpoint(CONSUMER, stream).position
        left = Claim.objects.filter(consumer=CONSUMER, source=stream, state=ClaimState.OPEN).first()
        if left:
            return left
        last = streams.extent(stream, position, batches)
        if last == position:
            return None
        return Claim.objects.create(consumer=CONSUMER, source=stream, first=position + 1, last=last)


def _move_on(claim: Claim) -> None:
    Checkpoint.objects.filter(consumer=CONSUMER, stream=claim.source).update(
        position=claim.last, updated_at=timezone.now()
    )
    for watcher in WATCHERS:
        watcher(claim.source)


def save_claim(
    claim: Claim, contents: ClaimContents, *, commit: Callable[[], None] = lambda: None
) -> Consumed:
    """Write what the claim holds; `commit` is called in the transaction that makes it visible."""
    files = [write_file(claim, *part) for part in _parts(claim, contents)]
    records_out = sum(file.records for file in files)
    duplicates = contents.records_in - len(contents.rejected) - records_out
    consumed = Consumed(contents.records_in, records_out, len(contents.rejected), duplicates)
    with transaction.atomic():
        open_claim = Claim.objects.filter(pk=claim.pk, state=ClaimState.OPEN)
        if open_claim.update(state=ClaimState.DONE, done_at=timezone.now(), **asdict(consumed)):
            catalogue.enter_saved(files, claim)
            deadletters.store(CONSUMER, claim.source, contents.rejected)
            commit()
    return consumed


def _parts(claim: Claim, contents: ClaimContents) -> Iterator[tuple[str, Period, list[bytes]]]:
    """Record type, UTC day and its encoded records in stream order, without those that took effect
    before.

    All are encoded while PostgreSQL, on another core, enters their identities: the two halves of
    the work take equally long.
    """
    with ThreadPoolExecutor(max_workers=1) as encoder:
        for record_type, frames in sorted(contents.frames.items()):
            frame = pl.concat(frames, rechunk=True)
            encoding = encoder.submit(columns.encode, record_type, frame)
            is_new = deduplication.mark(CONSUMER, frame["dedupeHash"], claim.pk)
            encoded = encoding.result()
            days = frame["date"].struct.field("created").str.slice(0, 10)
            for day in days.filter(is_new).unique().sort():
                chosen = is_new & (days == day)
                yield (
                    record_type,
                    partition_day(day),
                    encoded if chosen.all() else list(compress(encoded, chosen.to_list())),
                )


def write_file(claim: Claim, record_type: str, day: Period, encoded: list[bytes]) -> NewFile:
    """Write the loose file of what the claim holds of one type and day. Not visible to readers
    before it is entered.
    """
    name = layout.file_name(
        f"{claim.source}@{claim.consumer}", claim.first, claim.last, record_type, day
    )
    key = layout.loose_key(record_type, day, name)
    schema = schema_of(record_type)
    content = io.BytesIO()
    summary = container.write(content, schema, encoded, name=key)
    data = content.getvalue()
    buckets.campaign_data().put(key, data)
    digest = hashlib.sha256(data).hexdigest()
    return NewFile(
        key, record_type, day, schema.name, summary.records, len(data), summary.content_hash, digest
    )
