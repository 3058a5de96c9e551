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
from functools import partial
from itertools import compress
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from datalake import streams
from datalake.choices import ClaimState, PayloadForm, StreamName
from datalake.errors import ConsumerFailed, UnknownConsumer
from datalake.models import Claim
from datalake.records import HASH, normalise
from datalake.schemas import SCHEMAS
from datalake.streams import culprits, deadletters, deduplication, lanes, turns
from datalake.streams.batches import (
    Batch,
    Payload,
    correlation_of,
    unpack_frame,
    unpack_records,
)
from datalake.streams.checked_frames import are_normalised
from datalake.streams.culprits import LeftOut, Stretch
from datalake.streams.deadletters import StreamRecord
from datalake.streams.lanes import HANDOVER, Lane
from datalake.streams.lineage import WHOLE
from datalake.streams.turns import Consumed, Step, Subscription, Turns
from operations.database.locks import lock_in_transaction
from operations.database.retries import retried
from operations.errors import error_text
from operations.threads import rare_garbage_collection

__all__ = ["Consumed", "Step", "Subscription", "consume", "register", "register_step", "take"]

BATCHES = 40  # of 2,500 records: what is consumed at a time

# records, each with the correlationId under which it was published → number in the list → why it is
# rejected
Handler = Callable[[list[dict[str, Any]]], Mapping[int, str]]

_subscriptions: dict[tuple[str, str], Subscription] = {}


def register(
    consumer: str, stream: str, handler: Handler, *, types: Collection[str], most: int = BATCHES
) -> None:
    """Let `handler` have the records of these types, of at most so many batches at a time; records
    of other types are passed over.
    """
    register_step(
        consumer,
        stream,
        lambda shard, batches: take(
            consumer, stream, handler, types=types, shard=shard, batches=min(batches, most)
        ),
    )


def register_step(consumer: str, stream: str, step: Step) -> None:
    """Register a consumer that keeps position and effects together by its own means."""
    _subscriptions[consumer, stream] = Subscription(consumer, stream, step)


def register_source(
    consumer: str, source: str, step: Callable[[int], Consumed | None], *, waits: Callable[[], int]
) -> None:
    """Register a consumer that takes from something else than a stream: the words for it, and how
    much waits there.
    """
    _subscriptions[consumer, source] = _of_source(consumer, source, step, waits)


def registered(names: Sequence[str] = ()) -> list[Subscription]:
    """The subscriptions of these consumers, or all, and of what hands published records over to the
    engine. Raises UnknownConsumer.
    """
    known = {each.consumer for each in _subscriptions.values()}
    if unknown := sorted(set(names) - known):
        raise UnknownConsumer(
            f"Consumer {', '.join(unknown)} does not exist. Consumers: {', '.join(sorted(known))}."
        )
    asked = [each for each in _subscriptions.values() if not names or each.consumer in names]
    return [*_handovers(), *asked]


def consume(
    names: Sequence[str] = (),
    *,
    once: bool,
    batches: int = BATCHES,
    stop: threading.Event | None = None,
) -> dict[str, dict[str, int]]:
    """Let consumers take what is there: with `once` until their streams are empty, else until
    `stop` is set, which is looked at between two steps. What was published is handed over first,
    where the engine keeps records outside the database.

    Returns for each consumer `in, out, rejected, duplicates, lag` (records; rejected includes the
    duplicates). The error of one subscription at one shard ends nothing else: it alerts, and is
    tried again. With `once` what cannot be consumed now is left where it is, and ConsumerFailed is
    raised after everything else is consumed.
    """
    found = Turns(registered(names))
    stop = stop or threading.Event()
    with rare_garbage_collection():  # records are many dictionaries
        if once:
            _take_all(found, batches)
        else:
            _keep_taking(found, batches, stop)
    return found.ledgers()


def _handovers() -> list[Subscription]:
    if not streams.is_outside():
        return []
    return [
        _of_source(
            HANDOVER,
            f"what was published to stream {stream}",
            partial(_hand_over, stream),
            partial(_to_hand_over, stream),
        )
        for stream in StreamName.values
    ]


def _of_source(
    consumer: str, source: str, step: Callable[[int], Consumed | None], waits: Callable[[], int]
) -> Subscription:
    return Subscription(consumer, source, lambda shard, batches: step(batches), waits)


def _to_hand_over(stream: str) -> int:
    return streams.records_after(stream, lanes.position(HANDOVER, stream))


def _hand_over(stream: str, batches: int) -> Consumed | None:
    done = streams.hand_over(stream, batches)
    return Consumed(done.records + done.refused, done.records, done.refused) if done else None


def _keep_taking(found: Turns, batches: int, stop: threading.Event) -> None:
    while not stop.is_set():
        busy = False
        for turn in found.open():
            if stop.is_set():
                return
            if turn.may_take:
                busy |= turn.take(batches)
        if not busy:
            stop.wait(turns.PAUSE_SECONDS)


def _take_all(found: Turns, batches: int) -> None:
    busy = True
    while busy:
        busy = False
        for turn in found.open():
            if turn.trouble.error is None or turn.may_come_further:
                busy |= turn.take(batches) or turn.may_come_further
    if failed := [(each, each.error) for each in found.troubles() if each.error]:
        raise ConsumerFailed(
            " ".join(f"{each.kind}, {each.subject}: {error_text(error)}" for each, error in failed)
        ) from failed[0][1]


def lock_reached(consumer: str, stream: str) -> int:
    """The same as `streams.reached`, which nobody's consumer moves on unseen until the transaction
    ends: who moves a place asks here afterwards.
    """
    lock_in_transaction(f"reached:{consumer}:{stream}")
    return streams.reached(consumer, stream)


def take(
    consumer: str,
    stream: str,
    handler: Handler,
    *,
    types: Collection[str],
    batches: int = BATCHES,
    shard: str = WHOLE,
) -> Consumed | None:
    """One step of a registered handler: None when nothing was there."""
    lane = Lane(consumer, stream, shard)
    subscription = _Handled(lane, handler, types)
    return culprits.guarded(
        lane,
        batches,
        work=subscription.take,
        trial=subscription.try_out,
        nothing=Consumed(),
    )


@dataclass(frozen=True)
class _Handled:
    lane: Lane
    handler: Handler
    types: Collection[str]

    @retried
    @transaction.atomic
    def take(self, hand: Stretch, left_out: LeftOut) -> Consumed:
        """The records in hand: their effects, dead letters, ledger and the position."""
        self.lane.lock(hand.after)
        claim = Claim.objects.create(
            consumer=self.lane.consumer,
            source=self.lane.source,
            first=hand.after + 1,
            last=hand.last,
        )
        found = _sort(hand.batches, self.types, left_out)
        consumed = _handle(claim, found, self.handler)
        self.lane.move_on(hand.last)
        Claim.objects.filter(pk=claim.pk).update(
            state=ClaimState.DONE, done_at=timezone.now(), **asdict(consumed)
        )
        return consumed

    @transaction.atomic
    def try_out(self, hand: Stretch, left_out: LeftOut) -> None:
        """The same, and nothing of it stays."""
        self.take(hand, left_out)
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
        dead = batch.numbers(left_out)
        found.left_out += len(dead)
        are_valid, unpacked = _unpacked(batch)
        records = zip(batch.places(), unpacked, strict=True)
        for number, (place, record) in enumerate(records):
            if number in dead or _is_of_another_type(record, types):
                continue
            try:
                valid = record if are_valid else _valid(record)
                published_under = batch.correlation_id or correlation_of(record)
                found.wanted.append(StreamRecord(*place, "", valid, published_under))
            except ValueError as error:
                found.invalid.append(StreamRecord(*place, str(error), record))
    return found


def _unpacked(batch: Batch) -> tuple[bool, list[Any]]:
    """The records, and whether all of them are known to be valid and normalised."""
    payload = batch.payload
    if isinstance(payload, Payload) and payload.form == PayloadForm.FRAME:
        frame = unpack_frame(payload)
        return are_normalised(payload.schema, frame), frame.to_dicts()
    return False, unpack_records(payload)


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
