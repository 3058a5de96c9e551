"""What this process knows of a Kinesis stream: its shards, and where it reads on in each. [T-1]

What `extent` fetched is kept until `read` asks for it, so that each record is fetched once.
"""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from datalake.aws.kinesis import MOST_READ, KinesisStream, Read, Record
from datalake.errors import IteratorExpired, NoSuchPosition, StreamBusy
from datalake.streams.lineage import Shard
from operations import alerts

MOST_BYTES = 16 * 2**20  # of a shard at a time: what it gives in eight seconds
LIST_SECONDS = 60.0
MOST_KEPT = 200  # places in shards
TRIES, FIRST_PAUSE = 6, 0.2
Answer = TypeVar("Answer")


@dataclass
class Stretch:
    """What follows a place in a shard: records, and where to read on (None: the shard ends).

    `is_begun`: this process did not read up to there, so some may be missing; `is_new`: that it
    found none is not told yet.
    """

    records: list[Record]
    next: str | None
    is_begun: bool = False
    is_new: bool = False


class Reader:
    """A stream as this process reads it. Everything raises StreamUnreachable.

    `written` names the shards that records were handed over to.
    """

    def __init__(
        self, stream: KinesisStream, written: Callable[[], Collection[str]] = frozenset
    ) -> None:
        self.stream, self._written = stream, written
        self._shards: tuple[Shard, ...] = ()
        self._gone: frozenset[str] = frozenset()
        self._listed_at = 0.0
        self._kept: OrderedDict[tuple[str, int], Stretch] = OrderedDict()

    def shards(self) -> Sequence[Shard]:
        """As they were listed less than a minute ago, and since one was read to its end; and those
        that are gone with what was written to them: who has not read it has to hear of it.
        """
        if not self._shards or time.monotonic() - self._listed_at > LIST_SECONDS:
            listing = patiently(self.stream.list_shards)
            listed = tuple(Shard(each.id, each.parents) for each in listing.shards)
            self._gone = frozenset(self._written()).difference(each.id for each in listed)
            self._shards = (*listed, *map(Shard, sorted(self._gone)))
            self._listed_at = time.monotonic()
        return self._shards

    def extent(self, shard: str, after: int, records: int) -> int:
        """The position of the last of up to so many records, or 16 MiB, that follow; `after` if
        none does.
        """
        known = self._kept.get((shard, after))
        if known is None:
            known = self._begin(shard, after)
        if not known.records and known.next:
            known = self._fetch(shard, after, known, records)
        if not known.records and not known.next:
            self._shards = ()  # there may be children
        self._keep(shard, after, known)
        return int(known.records[-1].sequence) if known.records else after

    def first_behind(self, shard: str, after: int) -> int | None:
        """Where the first record is that `extent` has just found behind a position to which this
        process had not read; 0 if it found none, which it says once. None where nothing can be
        missing.
        """
        known = self._kept.get((shard, after))
        if known is None or not known.is_begun:
            return None
        if not known.records and not known.is_new:
            return None
        known.is_new = False
        return int(known.records[0].sequence) if known.records else 0

    def has_ended(self, shard: str, position: int) -> bool:
        known = self._kept.get((shard, position))
        return known is not None and not known.records and known.next is None

    def read(self, shard: str, after: int, last: int) -> Stretch:
        """The records behind a position up to another: those that `extent` fetched, else what the
        shard still has of them.
        """
        known = self._kept.pop((shard, after), None)
        if known and known.records and int(known.records[-1].sequence) == last:
            self._keep(shard, last, Stretch([], known.next))
            return Stretch(known.records, known.next)
        begun = self._begin(shard, after)
        found = self._up_to(shard, after, last, begun.next) if begun.next else []
        return replace(begun, records=found)

    def _up_to(self, shard: str, after: int, last: int, place: str) -> list[Record]:
        found = patiently(lambda: self.stream.read_up_to(place, str(last), limit=MOST_READ))
        if not found or int(found[-1].sequence) != last:
            alerts.alert(
                f":red_circle: Stream {self.stream.name}, shard {shard}: records up to {last}"
                " expired before they were read by a consumer, or by the comparison of database and"
                " lake. Keep records for longer."
            )
        return found

    def _begin(self, shard: str, after: int) -> Stretch:
        """Where to read behind a position; nowhere in a shard that is gone."""
        try:
            place = patiently(lambda: self._iterator(shard, after))
            return Stretch([], place, is_begun=True, is_new=True)
        except NoSuchPosition:
            self._shards = ()
            if shard in {each.id for each in self.shards()} - self._gone:
                raise
            alerts.alert(
                f":red_circle: Stream {self.stream.name} no longer has shard {shard}."
                " Records that a consumer had not read from it are lost."
            )
            return Stretch([], None)

    def _iterator(self, shard: str, after: int) -> str:
        return self.stream.after(shard, str(after)) if after else self.stream.from_start(shard)

    def _fetch(self, shard: str, after: int, known: Stretch, most: int) -> Stretch:
        found, size = replace(known, records=[]), 0
        while found.next:
            try:
                read = self._read(found.next, min(MOST_READ, most - len(found.records)))
            except IteratorExpired:
                if found.records:
                    found.next = self._begin(shard, int(found.records[-1].sequence)).next
                else:
                    found = self._begin(shard, after)
                continue
            found.records += read.records
            found.next = read.next
            size += sum(len(record.data) for record in read.records)
            if read.behind_seconds == 0 or size >= MOST_BYTES or len(found.records) >= most:
                break
        return found

    def _read(self, iterator: str, limit: int) -> Read:
        return patiently(lambda: self.stream.read(iterator, limit=limit))

    def _keep(self, shard: str, after: int, known: Stretch) -> None:
        self._kept[shard, after] = known
        self._kept.move_to_end((shard, after))
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def patiently(ask: Callable[[], Answer]) -> Answer:
    """A stream that is asked more often than it answers is asked again. Raises StreamBusy."""
    pause = FIRST_PAUSE
    for _ in range(TRIES - 1):
        try:
            return ask()
        except StreamBusy:
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 spreads retries, guards nothing
            pause *= 2
    return ask()
