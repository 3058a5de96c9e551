"""A Kinesis stream into the archive: each record once, however many workers there are and whatever
is killed. [D-1, D-5]

    read behind what is claimed → claim (one short transaction) → archive

Kinesis, bucket and database may each be away for a while: they are waited for, and nothing is lost,
for what is claimed but not done is taken up again, and what is not claimed is still in the stream.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError

from datalake.aws.kinesis import KinesisStream, Listing, Read
from datalake.errors import (
    IteratorExpired,
    NoSuchPosition,
    StreamBusy,
    StreamUnreachable,
    UnknownStream,
)
from demand.archiving.batches import MOST_EVENTS
from demand.archiving.deliveries import as_delivered
from demand.errors import StreamStuck
from demand.models import Batch, Shard
from demand.sources import recovery, shards
from operations import correlation
from operations.errors import error_text
from operations.services.troubles import Trouble

REST_SECONDS = (
    # between looks at a shard that holds nothing new: Kinesis gives five reads a second for all
    # workers together
    1.0
)
LIST_SECONDS = 60.0
PATIENCE_SECONDS = 60.0  # of a run that should end automatically
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
PAGE = "/admin/demand-archive/"
MOST_NAMED = 10_000  # files that a service names at its end
INTERRUPTIONS = (StreamUnreachable, IteratorExpired, OSError, OperationalError, InterfaceError)


@dataclass
class Consumed:
    """What came of the batches that this run finished."""

    events: int = 0
    archived: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    files: MutableSequence[str] = field(default_factory=list)
    error_files: MutableSequence[str] = field(default_factory=list)
    deliveries: MutableSequence[dict[str, Any]] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        self.events += batch.events
        self.archived += batch.archived
        self.errors.update(batch.error_counts)
        self.files.extend(batch.deliveries.order_by("pk").values_list("file__key", flat=True))
        self.error_files.extend(batch.error_files.order_by("pk").values_list("key", flat=True))
        self.deliveries.extend(as_delivered(batch.deliveries.all()))

    def as_result(self) -> dict[str, Any]:
        return {
            "in": self.events,
            "archived": self.archived,
            "errors": dict(sorted(self.errors.items())),
            "files": list(self.files),
            "error_files": list(self.error_files),
            "deliveries": list(self.deliveries),
        }


def consume(
    stream: KinesisStream, *, stop: threading.Event, once: bool = False, limit: int = MOST_EVENTS
) -> Consumed:
    """Archive what the stream holds and what comes, until `stop` is set; with `once` until all
    shards are read to their end.

    Up to `limit` records make a batch. What is away is waited for; with `once` for a minute, then
    StreamStuck is raised. What fails with one shard or batch ends no other: it alerts and is tried
    again; with `once` it is left, and raised after the others are read to their end. Raises
    UnknownStream.
    """
    rounds = _Rounds(stream, limit=limit, once=once)
    patience = _Patience(stream.name, once=once)
    while not stop.is_set():
        before = rounds.consumed.events
        try:
            at_the_end = rounds.go(stop)
        except INTERRUPTIONS as error:
            patience.pause(error, stop, progressed=rounds.consumed.events > before)
            continue
        patience.restore()
        if at_the_end:
            if once:
                rounds.raise_what_failed()
                break
            stop.wait(REST_SECONDS)
    return rounds.consumed


@dataclass
class _Place:
    """Where this worker reads on in a shard: behind what was claimed when it came there, and not
    before it has rested.
    """

    claimed: str
    iterator: str
    rests_until: float = 0.0


class _Rounds:
    """One worker's rounds: shards that are new, batches that were left open, then each shard
    once.
    """

    def __init__(self, stream: KinesisStream, *, limit: int, once: bool) -> None:
        self.stream = stream
        self.limit = limit
        self.rest_seconds = 0.0 if once else REST_SECONDS
        self.consumed = (
            Consumed()
            if once
            else Consumed(
                files=deque(maxlen=MOST_NAMED),
                error_files=deque(maxlen=MOST_NAMED),
                deliveries=deque(maxlen=MOST_NAMED),
            )
        )
        self.once = once
        self.places: dict[int, _Place] = {}
        self.troubles: dict[str, Trouble] = {}
        self.list_at = 0.0

    def go(self, stop: threading.Event) -> bool:
        """Go round once. True if there was nothing to do. Raises one of INTERRUPTIONS."""
        if time.monotonic() >= self.list_at:
            self._list()
        left = recovery.of(self.stream.name)
        nothing = self._take_up([batch for batch in left if batch.attempt < recovery.OFTEN], stop)
        nothing &= self._read_all(stop)
        nothing &= self._take_up([batch for batch in left if batch.attempt >= recovery.OFTEN], stop)
        return nothing

    def _list(self) -> Listing:
        listing = self.stream.list_shards()
        shards.enter(self.stream.name, listing)
        self.list_at = time.monotonic() + LIST_SECONDS
        return listing

    def _take_up(self, batches: list[Batch], stop: threading.Event) -> bool:
        """True if none of the batches was there to be taken up."""
        nothing = True
        for batch in batches:
            if stop.is_set():
                return False
            with self._fenced(f"batch {batch.pk}") as trouble:
                if trouble is not None:
                    nothing &= not self._count(recovery.take_up(batch, self.stream))
        return nothing

    def _read_all(self, stop: threading.Event) -> bool:
        """Each shard once. True if there is nothing in any of them. Raises StreamBusy if that alone
        is why nothing came.
        """
        nothing, busy = True, None
        found = shards.readable(self.stream.name)
        random.shuffle(found)  # several workers begin at different ones
        for shard in found:
            if stop.is_set():
                return False
            try:
                with self._fenced(f"shard {shard.shard_id}") as trouble:
                    if trouble is not None:
                        nothing &= self._read(shard)
            except StreamBusy as error:
                busy = error
        if busy and nothing:
            raise busy
        return nothing

    @contextmanager
    def _fenced(self, what: str) -> Iterator[Trouble | None]:
        """The work on one batch or shard, whose faults end no other. None where it failed a moment
        ago: it is left out this time.
        """
        about = f"stream {self.stream.name}, {what}"
        trouble = self.troubles.get(what) or Trouble("Change events", about, page=PAGE)
        if trouble.error and (self.once or not trouble.may_try):
            yield None
            return
        with (
            trouble.fenced(but=(*INTERRUPTIONS, UnknownStream)),
            correlation.correlated(correlation.new_id()),
        ):
            yield trouble
            self.troubles.pop(what, None)
            return
        self.troubles[what] = trouble

    def raise_what_failed(self) -> None:
        """The first error of a batch or shard, if there was one."""
        for trouble in self.troubles.values():
            if trouble.error:
                raise trouble.error

    def _read(self, shard: Shard) -> bool:
        """Read from a shard, claim and archive what came. True if there is nothing in it now."""
        place = self.places.get(shard.pk)
        if place is None or place.claimed != shard.claimed:
            place = self._find(shard)
        if place is None or place.rests_until > time.monotonic():
            return place is not None
        try:
            read = self.stream.read(place.iterator, limit=self.limit)
        except IteratorExpired:
            del self.places[shard.pk]
            return False
        if read.records:
            return self._archive(shard, read)
        shards.note_empty(shard, read)
        self._go_on(shard, shard.claimed, read)
        return read.at_the_tip and read.next is not None

    def _find(self, shard: Shard) -> _Place | None:
        """Behind what is claimed. None where the shard is gone, or to be begun anew, which is
        noted.
        """
        try:
            iterator = self._iterator(shard)
        except NoSuchPosition:
            listed = {each.id for each in self._list().shards}
            if shard.shard_id not in listed:
                shards.note_gone(shard)
            elif shards.untouched(shard).exists():
                raise
            return None
        if shards.may_have_gap(shard):  # Kinesis is asked only then
            kept = self.stream.kept_for()
            if shards.may_have_gap(shard, kept):
                shards.note_gap(shard, kept)
        place = self.places[shard.pk] = _Place(shard.claimed, iterator)
        return place

    def _iterator(self, shard: Shard) -> str:
        if shard.claimed:
            return self.stream.after(shard.shard_id, shard.claimed)
        if shard.since:
            return self.stream.from_instant(shard.shard_id, shard.since)
        return self.stream.from_start(shard.shard_id)

    def _archive(self, shard: Shard, read: Read) -> bool:
        """Claim the records and archive them, unless another worker was first."""
        with recovery.alone_at(
            shards.source_of(shard.stream, shard.shard_id), read.records[0].sequence
        ) as alone:
            batch = shards.take(shard, read) if alone else None
            if batch is None:
                del self.places[shard.pk]
                return False
            self._go_on(shard, batch.last, read)
            with self._fenced(f"batch {batch.pk}"):
                self._count(recovery.archived(batch, read.records))
        return False

    def _go_on(self, shard: Shard, claimed: str, read: Read) -> None:
        """The next place in the shard. One that has ended has none, but there may be children."""
        if read.next is None:
            del self.places[shard.pk]
            self.list_at = 0.0
            return
        rest = self.rest_seconds if read.behind_seconds == 0 else 0.0
        self.places[shard.pk] = _Place(claimed, read.next, time.monotonic() + rest)

    def _count(self, done: Batch | None) -> bool:
        if done is not None:
            self.consumed.add(done)
        return done is not None


class _Patience:
    """How long to wait for what is away: longer each time, and with `once` no longer than a minute
    in all.
    """

    def __init__(self, stream: str, *, once: bool) -> None:
        self.stream = stream
        self.once = once
        self.trouble = Trouble("Change events", f"stream {stream}", page=PAGE)
        self.restore()

    def restore(self) -> None:
        """Everything is there again."""
        self.trouble.over()
        self.away_since: float | None = None
        self.seconds = FIRST_PAUSE

    def pause(self, error: Exception, stop: threading.Event, *, progressed: bool) -> None:
        """Wait, or until `stop` is set. Raises StreamStuck."""
        if progressed:
            self.restore()
        self.away_since = self.away_since or time.monotonic()
        if self.once and time.monotonic() - self.away_since >= PATIENCE_SECONDS:
            raise StreamStuck(
                f"The stream {self.stream} could not be archived for {PATIENCE_SECONDS:.0f}"
                f" seconds: {error_text(error)} Nothing is lost: run it again."
            ) from error
        self.trouble.note(error)
        stop.wait(self.seconds * random.uniform(0.5, 1.0))  # noqa: S311 spreads retries, guards nothing
        self.seconds = min(2 * self.seconds, LONGEST_PAUSE)
