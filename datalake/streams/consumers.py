"""Consumers: each record takes effect once, and a consumer's position is committed with its
effects. [T-1]

An app registers a handler for a stream in its AppConfig.ready(). The handler gets new, valid
records inside the transaction that moves the position. Whatever it raises rolls all of that back
and is tried again; what it returns as rejected goes to the dead letters. The lake writes files,
which no transaction can take back, so it registers a step of its own (save.py).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from typing import Any

import polars as pl
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from datalake import streams
from datalake.choices import ClaimState
from datalake.errors import UnknownConsumer
from datalake.models import Checkpoint, Claim
from datalake.records import HASH, normalise
from datalake.schemas import SCHEMAS
from datalake.streams import deadletters, deduplication
from datalake.streams.batches import Batch, unpack_records
from datalake.streams.deadletters import StreamRecord

logger = logging.getLogger(__name__)

BATCHES = 40  # of 2,500 records: what is consumed at a time
PAUSE_SECONDS = 1.0

# records → number in the list → why it is rejected
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
    consumer: str
    stream: str
    step: Step


_subscriptions: dict[tuple[str, str], Subscription] = {}


def register(consumer: str, stream: str, handler: Handler, *, types: Collection[str]) -> None:
    """Let `handler` have the records of these types; records of other types are passed over."""
    register_step(
        consumer,
        stream,
        lambda batches: take(consumer, stream, handler, types=types, batches=batches),
    )


def register_step(consumer: str, stream: str, step: Step) -> None:
    """Register a consumer that keeps position and effects together by its own means."""
    _subscriptions[consumer, stream] = Subscription(consumer, stream, step)


def registered(names: Sequence[str] = ()) -> list[Subscription]:
    """The subscriptions of these consumers, or all. Raises UnknownConsumer."""
    known = {each.consumer for each in _subscriptions.values()}
    if unknown := sorted(set(names) - known):
        raise UnknownConsumer(
            f"Consumer {', '.join(unknown)} does not exist. Consumers: {', '.join(sorted(known))}."
        )
    return [each for each in _subscriptions.values() if not names or each.consumer in names]


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
    duplicates). A database or storage that is away for a moment is waited for, unless `once`.
    """
    subscriptions = registered(names)
    totals = {each.consumer: Consumed() for each in subscriptions}
    stop = stop or threading.Event()
    while not stop.is_set():
        busy = False
        for each in subscriptions:
            if stop.is_set():
                break
            consumed = each.step(batches) if once else _patiently(each, batches)
            totals[each.consumer] += consumed or Consumed()
            busy = busy or consumed is not None
        if once and not busy:
            break
        if not busy:
            stop.wait(PAUSE_SECONDS)
    return {
        name: _report(total, [each for each in subscriptions if each.consumer == name])
        for name, total in totals.items()
    }


def _patiently(subscription: Subscription, batches: int) -> Consumed | None:
    try:
        return subscription.step(batches)
    except (OperationalError, OSError) as error:
        about = {
            "consumer": subscription.consumer,
            "stream": subscription.stream,
            "error": type(error).__name__,
        }
        logger.warning("consumer interrupted, will try again", extra=about)
        connection.close_if_unusable_or_obsolete()
        return None


def _report(consumed: Consumed, subscriptions: Sequence[Subscription]) -> dict[str, int]:
    return {
        "in": consumed.records_in,
        "out": consumed.records_out,
        "rejected": consumed.invalid + consumed.duplicates,
        "duplicates": consumed.duplicates,
        "lag": sum(
            streams.records_after(each.stream, position(each.consumer, each.stream))
            for each in subscriptions
        ),
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
    with transaction.atomic():
        checkpoint = lock_checkpoint(consumer, stream)
        last = streams.extent(stream, checkpoint.position, batches)
        if last == checkpoint.position:
            return None
        first = checkpoint.position + 1
        claim = Claim.objects.create(consumer=consumer, source=stream, first=first, last=last)
        wanted, invalid, records_in = _sort(streams.read(stream, first, last), types)
        consumed = _handle(claim, wanted, invalid, handler, records_in)
        Checkpoint.objects.filter(pk=checkpoint.pk).update(position=last, updated_at=timezone.now())
        Claim.objects.filter(pk=claim.pk).update(
            state=ClaimState.DONE, done_at=timezone.now(), **asdict(consumed)
        )
    return consumed


def _sort(
    batches: Sequence[Batch], types: Collection[str]
) -> tuple[list[StreamRecord], list[StreamRecord], int]:
    """Valid records of these types, the invalid records, and how many both are; other types
    are passed over.
    """
    wanted: list[StreamRecord] = []
    invalid: list[StreamRecord] = []
    for batch in batches:
        for index, record in enumerate(unpack_records(batch.payload)):
            if (
                isinstance(record, dict)
                and isinstance(record.get("type"), str)
                and record["type"].strip() not in types
            ):
                continue
            try:
                wanted.append(StreamRecord(batch.position, index, "", _valid(record)))
            except ValueError as error:
                invalid.append(StreamRecord(batch.position, index, str(error), record))
    return wanted, invalid, len(wanted) + len(invalid)


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


def _handle(
    claim: Claim,
    wanted: list[StreamRecord],
    invalid: list[StreamRecord],
    handler: Handler,
    records_in: int,
) -> Consumed:
    hashes = pl.Series([each.record["dedupeHash"] for each in wanted], dtype=pl.String)
    new = list(compress(wanted, deduplication.mark(claim.consumer, hashes, claim.pk).to_list()))
    rejected = handler([each.record for each in new]) if new else {}
    refused = [
        StreamRecord(new[at].position, new[at].index, why, new[at].record)
        for at, why in rejected.items()
    ]
    deduplication.unmark(claim.consumer, [each.record["dedupeHash"] for each in refused], claim.pk)
    deadletters.store(claim.consumer, claim.source, invalid + refused)
    return Consumed(
        records_in, len(new) - len(refused), len(invalid) + len(refused), len(wanted) - len(new)
    )
