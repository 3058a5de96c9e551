"""Consumers: each record takes effect once, and a consumer's position is committed with its
effects. [T-1]

An app registers a handler for a stream in its AppConfig.ready(). The handler gets new, valid
records inside the transaction that moves the position. Whatever it raises rolls all of that back
and is tried again; what it returns as rejected goes to the dead letters. The lake writes files,
which no transaction can take back, so it registers a step of its own (save.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import compress
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from datalake import streams
from datalake.choices import ClaimState, StreamName
from datalake.errors import ConsumerFailed, UnknownConsumer
from datalake.models import Checkpoint, Claim
from datalake.records import HASH, normalise
from datalake.schemas import SCHEMAS
from datalake.streams import culprits, deadletters, deduplication
from datalake.streams.batches import Batch, unpack_records
from datalake.streams.culprits import LeftOut
from datalake.streams.deadletters import StreamRecord
from operations.errors import error_text
from operations.services.troubles import Trouble

BATCHES = 40  # of 2,500 records: what is consumed at a time
PAUSE_SECONDS = 1.0
MOST_FAILURES = 30  # in a row of a run that should end: halving 100,000 records needs 20

# records, each with the correlationId under which it was published → number in the list → why it is
# rejected
Handler = Callable[[list[dict[str, Any]]], Mapping[int, str]]


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


# at most so many batches → what was consumed, None when nothing was there
Step = Callable[[int], Consumed | None]


@dataclass(frozen=True)
class Subscription:
    """`stream` is a stream, or the words for another source, which then says how much `waits`
    there.
    """

    consumer: str
    stream: str
    step: Step
    waits: Callable[[], int] | None = None

    @property
    def source(self) -> str:
        return f"stream {self.stream}" if self.stream in StreamName.values else self.stream

    def lag(self) -> int:
        """How many records are still to be taken."""
        if self.waits is not None:
            return self.waits()
        return streams.records_after(self.stream, position(self.consumer, self.stream))


_subscriptions: dict[tuple[str, str], Subscription] = {}


def register(consumer: str, stream: str, handler: Handler, *, types: Collection[str]) -> None:
    """Let `handler` have the records of these types; records of other types are passed over."""
    register_step(
        consumer,
        stream,
        lambda batches: take(consumer, stream, handler, types=types, batches=batches),
    )


def register_step(
    consumer: str, stream: str, step: Step, *, waits: Callable[[], int] | None = None
) -> None:
    """Register a consumer that keeps position and effects together by its own means. One that takes
    from something else than a stream names it in words, and says how much waits there.
    """
    _subscriptions[consumer, stream] = Subscription(consumer, stream, step, waits)


def registered(names: Sequence[str] = ()) -> list[Subscription]:
    """The subscriptions of these consumers, or all. Raises UnknownConsumer."""
    known = {each.consumer for each in _subscriptions.values()}
    if unknown := sorted(set(names) - known):
        raise UnknownConsumer(
            f"Consumer {', '.join(unknown)} does not exist. Consumers: {', '.join(sorted(known))}."
        )
    return [each for each in _subscriptions.values() if not names or each.consumer in names]


class _Turn:
    """A subscription that takes its turn, what it consumed, and what is wrong with it."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.consumed = Consumed()
        self.trouble = Trouble(
            f"Consumer {subscription.consumer}",
            subscription.source,
            page="/admin/datalake/checkpoint/",
        )

    def take(self, batches: int) -> bool:
        """One step. True if something was there."""
        done = None
        with self.trouble.fenced():
            done = self.subscription.step(batches)
            if done is None or done.records_in:  # a trial says nothing yet
                self.trouble.over()
            self.consumed += done or Consumed()
        return done is not None

    @property
    def may_come_further(self) -> bool:
        """Whether it failed because of a record, which is being searched for."""
        error = self.trouble.error
        return bool(error and culprits.counts(error) and self.trouble.failures < MOST_FAILURES)


def consume(
    names: Sequence[str] = (),
    *,
    once: bool,
    batches: int = BATCHES,
    stop: threading.Event | None = None,
) -> dict[str, dict[str, int]]:
    """Let consumers take what is there: with `once` until their streams are empty, else until
    `stop` is set, which is looked at between two steps.

    Returns for each consumer `in, out, rejected, duplicates, lag` (records; rejected includes the
    duplicates). The error of one subscription ends nothing else: it alerts, and the subscription is
    tried again. With `once` what cannot be consumed now is left where it is, and ConsumerFailed is
    raised after everything else is consumed.
    """
    turns = [_Turn(each) for each in registered(names)]
    stop = stop or threading.Event()
    if once:
        _take_all(turns, batches)
    else:
        _keep_taking(turns, batches, stop)
    by_consumer: dict[str, list[_Turn]] = {}
    for turn in turns:
        by_consumer.setdefault(turn.subscription.consumer, []).append(turn)
    return {name: _report(some) for name, some in by_consumer.items()}


def _keep_taking(turns: Sequence[_Turn], batches: int, stop: threading.Event) -> None:
    while not stop.is_set():
        busy = False
        for turn in turns:
            if stop.is_set():
                return
            if turn.trouble.may_try:
                busy |= turn.take(batches)
        if not busy:
            stop.wait(PAUSE_SECONDS)


def _take_all(turns: Sequence[_Turn], batches: int) -> None:
    busy = True
    while busy:
        busy = False
        for turn in turns:
            if turn.trouble.error is None or turn.may_come_further:
                busy |= turn.take(batches) or turn.may_come_further
    if failed := [(turn.trouble, turn.trouble.error) for turn in turns if turn.trouble.error]:
        raise ConsumerFailed(
            " ".join(f"{each.kind}, {each.subject}: {error_text(error)}" for each, error in failed)
        ) from failed[0][1]


def _report(turns: Sequence[_Turn]) -> dict[str, int]:
    consumed = sum((turn.consumed for turn in turns), Consumed())
    return {
        "in": consumed.records_in,
        "out": consumed.records_out,
        "rejected": consumed.invalid + consumed.duplicates,
        "duplicates": consumed.duplicates,
        "lag": sum(turn.subscription.lag() for turn in turns),
    }


def position(consumer: str, stream: str) -> int:
    """The last position of the stream whose records took effect at this consumer; 0 = none."""
    found = (
        Checkpoint.objects.filter(consumer=consumer, stream=stream)
        .values_list("position", flat=True)
        .first()
    )
    return found or 0


def lock_checkpoint(consumer: str, stream: str) -> Checkpoint:
    """The consumer's place in the stream, locked until the transaction ends."""
    Checkpoint.objects.bulk_create(
        [Checkpoint(consumer=consumer, stream=stream)], ignore_conflicts=True
    )
    return Checkpoint.objects.select_for_update().get(consumer=consumer, stream=stream)


def take(
    consumer: str, stream: str, handler: Handler, *, types: Collection[str], batches: int = BATCHES
) -> Consumed | None:
    """One step of a registered handler: None when nothing was there."""
    subscription = _Handled(consumer, stream, handler, types)
    return culprits.guarded(
        consumer,
        stream,
        batches,
        work=subscription.take,
        trial=subscription.try_out,
        nothing=Consumed(),
    )


@dataclass(frozen=True)
class _Handled:
    consumer: str
    stream: str
    handler: Handler
    types: Collection[str]

    @transaction.atomic
    def take(self, last: int, left_out: LeftOut) -> Consumed:
        """The records up to this position: their effects, dead letters, ledger and the position."""
        first = lock_checkpoint(self.consumer, self.stream).position + 1
        claim = Claim.objects.create(
            consumer=self.consumer, source=self.stream, first=first, last=last
        )
        found = _sort(streams.read(self.stream, first, last), self.types, left_out)
        consumed = _handle(claim, found, self.handler)
        culprits.move_on(self.consumer, self.stream, last)
        Claim.objects.filter(pk=claim.pk).update(
            state=ClaimState.DONE, done_at=timezone.now(), **asdict(consumed)
        )
        return consumed

    @transaction.atomic
    def try_out(self, last: int, left_out: LeftOut) -> None:
        """The same, and nothing of it stays."""
        self.take(last, left_out)
        transaction.set_rollback(True)


@dataclass
class _Sorted:
    """The valid records of a subscription's types, the invalid ones, and how many were dead letters
    already.
    """

    wanted: list[StreamRecord] = field(default_factory=list)
    invalid: list[StreamRecord] = field(default_factory=list)
    left_out: int = 0


def _sort(batches: Sequence[Batch], types: Collection[str], left_out: LeftOut) -> _Sorted:
    """Records of other types are passed over."""
    found = _Sorted()
    for batch in batches:
        dead = left_out.get(batch.position, frozenset())
        found.left_out += len(dead)
        for index, record in enumerate(unpack_records(batch.payload)):
            if index in dead or _is_of_another_type(record, types):
                continue
            try:
                valid = _valid(record)
                found.wanted.append(
                    StreamRecord(batch.position, index, "", valid, batch.correlation_id)
                )
            except ValueError as error:
                found.invalid.append(StreamRecord(batch.position, index, str(error), record))
    return found


def _is_of_another_type(record: Any, types: Collection[str]) -> bool:
    return (
        isinstance(record, dict)
        and isinstance(record.get("type"), str)
        and record["type"].strip() not in types
    )


def _valid(record: Any) -> dict[str, Any]:
    """Normalised if its type has a schema; messages between consumers need no more than an
    identity. Raises ValueError.
    """
    if (
        isinstance(record, dict)
        and isinstance(record.get("type"), str)
        and record["type"].strip() not in SCHEMAS
    ):
        if not isinstance(record.get("dedupeHash"), str) or not HASH.fullmatch(
            record["dedupeHash"]
        ):
            raise ValueError("dedupeHash: not 64 lower-case hex digits")
        return record
    return normalise(record)


def _handle(claim: Claim, found: _Sorted, handler: Handler) -> Consumed:
    hashes = pl.Series([each.record["dedupeHash"] for each in found.wanted], dtype=pl.String)
    is_new = deduplication.mark(claim.consumer, hashes, claim.pk).to_list()
    new = list(compress(found.wanted, is_new))
    given = [each.record | {"correlationId": each.correlation_id} for each in new]
    rejected = handler(given) if new else {}
    refused = [
        StreamRecord(new[at].position, new[at].index, why, new[at].record)
        for at, why in rejected.items()
    ]
    deduplication.unmark(claim.consumer, [each.record["dedupeHash"] for each in refused], claim.pk)
    deadletters.store(claim.consumer, claim.source, found.invalid + refused)
    invalid = len(found.invalid) + len(refused) + found.left_out
    duplicates = len(found.wanted) - len(new)
    records_out = len(new) - len(refused)
    return Consumed(records_out + invalid + duplicates, records_out, invalid, duplicates)
