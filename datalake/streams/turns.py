"""The subscriptions of consumers take turns, shard by shard; what goes wrong with one shard ends
nothing else. [T-1, O-2]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

from datalake import streams
from datalake.streams import culprits, lanes
from datalake.streams.lineage import WHOLE, source_of
from operations.services.troubles import Trouble

PAUSE_SECONDS = 1.0  # of a shard in which nothing was
MOST_FAILURES = 30  # in a row of a run that should end: halving 100,000 records needs 20
PAGE = "/admin/datalake/checkpoint/"


@dataclass(frozen=True)
class Consumed:
    """The ledger of one or several steps: records_in = records_out + invalid + duplicates."""

    records_in: int = 0
    records_out: int = 0
    invalid: int = 0
    duplicates: int = 0

    def __add__(self, other: Consumed) -> Consumed:
        return Consumed(
            *(
                mine + theirs
                for mine, theirs in zip(asdict(self).values(), asdict(other).values(), strict=True)
            )
        )


# a shard, at most so many batches → what was consumed, None when nothing was there
Step = Callable[[str, int], Consumed | None]


@dataclass(frozen=True)
class Subscription:
    """`stream` is a stream, or the words for another source, which then says how much `waits`
    there.
    """

    consumer: str
    stream: str
    step: Step
    waits: Callable[[], int] | None = None

    def source(self, shard: str) -> str:
        """In words."""
        return f"stream {source_of(self.stream, shard)}" if self.waits is None else self.stream

    def shards(self) -> list[str]:
        """Those in which something may follow."""
        if self.waits is not None:
            return [WHOLE]
        return [lane.shard for lane in lanes.open_to(self.consumer, self.stream)]

    def lag(self) -> int:
        """How many records are still to be taken."""
        if self.waits is not None:
            return self.waits()
        return streams.records_after(self.stream, streams.reached(self.consumer, self.stream))


class Turn:
    """A subscription at one shard: what it consumed there, and what is wrong with it."""

    def __init__(self, subscription: Subscription, shard: str) -> None:
        self.subscription, self.shard = subscription, shard
        self.consumed = Consumed()
        self.rests_until = 0.0
        self.trouble = _trouble(subscription, shard)

    @property
    def may_take(self) -> bool:
        return self.trouble.may_try and time.monotonic() >= self.rests_until

    def take(self, batches: int) -> bool:
        """One step. True if something was there."""
        done = None
        with self.trouble.fenced():
            done = self.subscription.step(self.shard, batches)
            if done is None or done.records_in:  # a trial says nothing yet
                self.trouble.over()
            self.consumed += done or Consumed()
        if done is None:
            self.rests_until = time.monotonic() + PAUSE_SECONDS
        return done is not None

    @property
    def may_come_further(self) -> bool:
        """Whether it failed because of a record, which is being searched for."""
        error = self.trouble.error
        return bool(error and culprits.counts(error) and self.trouble.failures < MOST_FAILURES)


class Turns:
    """The turns of subscriptions at all shards that are, or were, open to them."""

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self._by_subscription: dict[Subscription, dict[str, Turn]] = {
            each: {} for each in subscriptions
        }
        self._listing = {each: _trouble(each, WHOLE) for each in self._by_subscription}

    def open(self) -> Iterator[Turn]:
        """Those that may take a step now."""
        for subscription, known in self._by_subscription.items():
            listing, shards = self._listing[subscription], list[str]()
            if not listing.may_try:
                continue
            with listing.fenced():
                shards = subscription.shards()
                listing.over()
            for shard in shards:
                yield known.setdefault(shard, Turn(subscription, shard))

    def troubles(self) -> list[Trouble]:
        """Of everything that was tried."""
        found = list(self._listing.values())
        for known in self._by_subscription.values():
            found += [turn.trouble for turn in known.values()]
        return found

    def ledgers(self) -> dict[str, dict[str, int]]:
        """Of each consumer: `in, out, rejected, duplicates, lag`."""
        found: dict[str, dict[str, int]] = {}
        for subscription, known in self._by_subscription.items():
            sums = sum((turn.consumed for turn in known.values()), Consumed())
            counts = {
                "in": sums.records_in,
                "out": sums.records_out,
                "rejected": sums.invalid + sums.duplicates,
                "duplicates": sums.duplicates,
                "lag": subscription.lag(),
            }
            ledger = found.setdefault(subscription.consumer, dict.fromkeys(counts, 0))
            ledger.update({name: ledger[name] + count for name, count in counts.items()})
        return found


def _trouble(subscription: Subscription, shard: str) -> Trouble:
    return Trouble(f"Consumer {subscription.consumer}", subscription.source(shard), page=PAGE)
