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
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain, compress
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from datalake import catalogue, layout
from datalake.avro import columns, container
from datalake.catalogue import NewFile
from datalake.choices import ClaimState
from datalake.erased.records import without_erased
from datalake.layout import Period
from datalake.models import Claim
from datalake.records import frame_of, normalise, partition_day, schema_of
from datalake.schemas import SCHEMAS
from datalake.storage import buckets
from datalake.streams import consumers, culprits, deadletters, deduplication
from datalake.streams.batches import Batch, Payload, Place, unpack_frame, unpack_records
from datalake.streams.consumers import Consumed
from datalake.streams.culprits import LeftOut, Stretch
from datalake.streams.deadletters import StreamRecord
from datalake.streams.lanes import Lane
from datalake.streams.lineage import WHOLE
from operations.threads import short_switch_interval

CONSUMER = "lake"
# What apps above want to do when the lake's position in a stream has moved, in the same
# transaction; see AppConfig.ready().
WATCHERS: list[Callable[[str], object]] = []


@dataclass
class ClaimContents:
    """What a claim holds: record frames by type, dead letters, and the number of all records.

    Of fans who were erased before it was `claimed_at`, what is older is there without id and
    contacts. [X-11]
    """

    claimed_at: datetime | None = None
    frames: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    rejected: list[StreamRecord] = field(default_factory=list)
    records_in: int = 0

    left_out: int = 0

    def add_records(
        self, placed: Iterable[tuple[Place, Any]], left_out: Collection[int] = ()
    ) -> None:
        """Normalise records one by one; what is invalid is rejected. Those left out are dead
        letters already.
        """
        valid: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for number, (place, record) in enumerate(placed):
            self.records_in += 1
            if number in left_out:
                self.left_out += 1
                continue
            try:
                clean = normalise(record)
            except ValueError as error:
                self.rejected.append(StreamRecord(*place, str(error), record))
            else:
                valid[clean["type"]].append(clean)
        for record_type, clean_records in valid.items():
            self._add(record_type, frame_of(record_type, clean_records))

    def add_batch(self, batch: Batch, left_out: LeftOut = frozenset()) -> None:
        """Frames were checked when they were published; those of another version of a schema are
        looked at again.
        """
        dead = batch.numbers(left_out)
        record_type = batch.payload.schema.partition(".")[0]
        if (
            isinstance(batch.payload, Payload)
            and record_type in SCHEMAS
            and SCHEMAS[record_type].name == batch.payload.schema
        ):
            frame = unpack_frame(batch.payload)
            if dead:
                numbers = pl.int_range(pl.len())
                frame = frame.filter(~numbers.is_in(sorted(dead)))
            self._add(record_type, frame)
            self.records_in += batch.payload.records
            self.left_out += len(dead)
        else:
            records = unpack_records(batch.payload)
            self.add_records(zip(batch.places(), records, strict=True), dead)

    def _add(self, record_type: str, frame: pl.DataFrame) -> None:
        current = without_erased(record_type, frame, as_of=self.claimed_at)
        self.frames[record_type].append(current)


def save(stream: str, batches: int = consumers.BATCHES, *, shard: str = WHOLE) -> Consumed | None:
    """Save at most so many batches of a shard of the stream; None when nothing is there."""
    lane = Lane(CONSUMER, stream, shard)
    return culprits.guarded(
        lane, batches, work=partial(_save, lane), trial=_try_out, nothing=Consumed()
    )


def save_step(stream: str, shard: str, batches: int) -> Consumed | None:
    """The step that is registered for a stream."""
    return save(stream, batches, shard=shard)


def _save(lane: Lane, hand: Stretch, left_out: LeftOut) -> Consumed:
    claim = _claim_range(lane, hand)
    contents = _contents(hand, left_out, claim.claimed_at)
    return save_claim(claim, contents, commit=lambda: _move_on(lane, hand))


def _try_out(hand: Stretch, left_out: LeftOut) -> None:
    """What a save does with the records themselves; nothing is written."""
    contents = _contents(hand, left_out, None)
    for record_type, frames in contents.frames.items():
        encoded = columns.encode(record_type, pl.concat(frames, rechunk=True))
        container.write(io.BytesIO(), schema_of(record_type), encoded, name="trial")


def _contents(hand: Stretch, left_out: LeftOut, claimed_at: datetime | None) -> ClaimContents:
    contents = ClaimContents(claimed_at)
    for batch in hand.batches:
        contents.add_batch(batch, left_out)
    return contents


def _claim_range(lane: Lane, hand: Stretch) -> Claim:
    """The claim a killed process left, or a new one; committed before any work. Both are of what is
    in hand: its end was noted before. Raises TakenOver.
    """
    with transaction.atomic():
        lane.lock(hand.after)
        claim, _ = Claim.objects.get_or_create(
            consumer=CONSUMER,
            source=lane.source,
            first=hand.after + 1,
            last=hand.last,
            state=ClaimState.OPEN,
        )
        return claim


def _move_on(lane: Lane, hand: Stretch) -> None:
    lane.lock(hand.after)
    lane.move_on(hand.last)
    for watcher in WATCHERS:
        watcher(lane.stream)


def save_claim(
    claim: Claim, contents: ClaimContents, *, commit: Callable[[], object] = lambda: None
) -> Consumed:
    """Write what the claim holds; `commit` is called in the transaction that makes it visible.

    A record that is left out may have been entered, before it stopped us: it takes no effect here,
    so it may when its dead letter is replayed.
    """
    files = [write_file(*part) for part in _parts(claim, contents)]
    records_out = sum(file.records for file in files)
    invalid = len(contents.rejected) + contents.left_out
    duplicates = contents.records_in - invalid - records_out
    consumed = Consumed(contents.records_in, records_out, invalid, duplicates)
    without_effect = _entered_and_left_out(claim, contents) if contents.left_out else []
    with transaction.atomic():
        open_claim = Claim.objects.filter(pk=claim.pk, state=ClaimState.OPEN)
        if open_claim.update(state=ClaimState.DONE, done_at=timezone.now(), **asdict(consumed)):
            catalogue.enter_saved(files, claim)
            deadletters.store(CONSUMER, claim.source, contents.rejected)
            deduplication.unmark(CONSUMER, without_effect, claim.pk)
            commit()
    return consumed


def _entered_and_left_out(claim: Claim, contents: ClaimContents) -> list[str]:
    frames = chain.from_iterable(contents.frames.values())
    hashes = (frame["dedupeHash"] for frame in frames)
    return deduplication.entered_beside(CONSUMER, hashes, claim.pk)


def _parts(claim: Claim, contents: ClaimContents) -> Iterator[tuple[NewFile, bytes]]:
    """The loose files of what the claim holds, one for each type and UTC day: records in stream
    order, without those that took effect before.

    All are encoded while PostgreSQL, on another core, enters their identities. Nearly always every
    record is new and of one day, so that file is made there, too: the two halves of the work take
    about equally long.
    """
    with short_switch_interval(), ThreadPoolExecutor(max_workers=1) as encoder:
        for record_type, frames in sorted(contents.frames.items()):
            frame = pl.concat(frames, rechunk=True)
            days = frame["date"].struct.field("created").str.slice(0, 10)
            encoding = encoder.submit(_encoded, claim, record_type, frame, days)
            is_new = deduplication.mark(CONSUMER, frame["dedupeHash"], claim.pk)
            encoded, whole = encoding.result()
            if whole is not None and is_new.all():
                yield whole
                continue
            for day in days.filter(is_new).unique().sort():
                chosen = compress(encoded, (is_new & (days == day)).to_list())
                yield _loose_file(claim, record_type, partition_day(day), list(chosen))


def _encoded(
    claim: Claim, record_type: str, frame: pl.DataFrame, days: pl.Series
) -> tuple[list[bytes], tuple[NewFile, bytes] | None]:
    """The encoded records, and the file of them all if they are of one day."""
    encoded, only = columns.encode(record_type, frame), days.unique()
    if len(only) != 1:
        return encoded, None
    return encoded, _loose_file(claim, record_type, partition_day(only[0]), encoded)


def _loose_file(
    claim: Claim, record_type: str, day: Period, encoded: list[bytes]
) -> tuple[NewFile, bytes]:
    """The file of what the claim holds of one type and day, and its bytes."""
    name = layout.file_name(
        f"{claim.source}@{claim.consumer}", claim.first, claim.last, record_type, day
    )
    key = layout.loose_key(record_type, day, name)
    schema = schema_of(record_type)
    content = io.BytesIO()
    summary = container.write(content, schema, encoded, name=key)
    data = content.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    about = (schema.name, summary.records, len(data), summary.content_hash, digest)
    return NewFile(key, record_type, day, *about), data


def write_file(file: NewFile, data: bytes) -> NewFile:
    """Write a loose file. Not visible to readers before it is entered."""
    buckets.campaign_data().put(file.key, data)
    return file
