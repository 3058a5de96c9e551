"""A fan is taken out of the batches of the streams, of dead letters and of queues' messages.
[X-11, T-1]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from datalake import queues
from datalake.choices import ClaimState, PayloadForm, QueueName, StreamName
from datalake.erased.erasing import GONE, TABLE, Left, Place, Sought, Touch, refuse_while
from datalake.erased.names import name_of
from datalake.erased.records import FAN, IDENTITY, forget, forget_any
from datalake.models import Claim, DeadLetter, QueueMessage, SeenRecord, StreamBatch
from datalake.save import CONSUMER
from datalake.streams.batches import (
    Payload,
    Record,
    pack_frame,
    pack_records,
    unpack_frame,
    unpack_records,
)
from datalake.streams.deduplication import digest_of
from operations.database.locks import exclusive
from operations.database.retries import retried

AREA: Final = "streams"
KEYS_AT_A_TIME: Final = 500


def refuse_while_saved(erased_at: datetime) -> None:
    """Raises EraseLater while the lake saves what it read before the erasure was known. [L-2]

    A killed adoption or replay may have left its claim for good. It blocks nothing: whoever takes
    it up later asks again who was erased.
    """
    begun = Claim.objects.filter(
        consumer=CONSUMER, state=ClaimState.OPEN, claimed_at__lte=erased_at
    )
    alone = Q(source__startswith="file:") | Q(source__startswith="replay:")
    refuse_while(
        any(
            _is_worked_on(source) for source in begun.filter(alone).values_list("source", flat=True)
        ),
        "A file that others put into the lake is being adopted, or a dead letter replayed. The fan"
        " is erased when that is finished.",
    )
    refuse_while(
        begun.exclude(alone).exists(),
        "The lake's consumer has not finished saving records that it read before the erasure. The"
        " fan is erased when it has; start it if it does not run (consume lake).",
    )


def _is_worked_on(source: str) -> bool:
    """Whether a process adopts the file, or replays the dead letter, of this claim now."""
    lock = f"lake:{source.rpartition('#')[0]}" if source.startswith("file:") else source
    with exclusive(lock, wait=False) as free:
        return not free


def erase_batches(sought: Sought, touch: Touch) -> Iterator[Left]:
    """Take the fan out of every batch that the database keeps."""
    if settings.STREAM_ENGINE != "postgres":
        yield Left(
            "records on the streams",
            None,
            "the streams' service keeps them until its own retention ends; consumers read them"
            " without id and contacts",
        )
    for stream in StreamName.values:
        batches = StreamBatch.objects.filter(stream=stream).order_by("position")
        for pk in batches.values_list("pk", flat=True).iterator():
            _erase_batch(pk, sought, touch)


@retried
@transaction.atomic
def _erase_batch(pk: int, sought: Sought, touch: Touch) -> None:
    row = StreamBatch.objects.filter(pk=pk).first()
    if row is None:  # retention has taken it since
        return
    payload = Payload(PayloadForm(row.form), row.schema, row.records, bytes(row.payload))
    changed, identities, count = _without(payload, sought)
    if not count:
        return
    StreamBatch.objects.filter(pk=pk).update(payload=changed.data)
    rename_identities(identities)
    touch(Place(AREA, TABLE, f"records on stream {row.stream}", count))


def _without(payload: Payload, sought: Sought) -> tuple[Payload, list[tuple[str, str]], int]:
    """The batch without the fan, the identities of its records before and after, how many."""
    if payload.form == PayloadForm.FRAME:
        frame = unpack_frame(payload)
        if FAN not in frame.columns or not (frame[FAN] == sought.fan_id).any():
            return payload, [], 0
        old = frame.to_dicts()
        new = [
            forget(each, name_of(each["campaignId"], sought.fan_id, sought.number))
            if each[FAN] == sought.fan_id and not sought.keeps(each)
            else each
            for each in old
        ]
        if new == old:
            return payload, [], 0
        packed = pack_frame(type(frame)(new, schema=frame.schema), payload.schema)
    else:
        old = unpack_records(payload)
        new = [forget_any(each, sought) for each in old]
        if new == old:
            return payload, [], 0
        packed = pack_records([Record("", each) for each in new])
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    return packed, [(a[IDENTITY], b[IDENTITY]) for a, b in pairs if _has_identity(a)], len(pairs)


def _has_identity(record: Any) -> bool:
    return isinstance(record, dict) and isinstance(record.get(IDENTITY), str)


def rename_identities(identities: Iterable[tuple[str, str]]) -> None:
    """What took effect under one identity did so under the new one: in the caller's transaction."""
    for old, new in identities:
        if old == new:
            continue
        seen = SeenRecord.objects.filter(digest=digest_of(old))
        renamed = [
            SeenRecord(consumer=each.consumer, digest=digest_of(new), claim=each.claim)
            for each in seen
        ]
        SeenRecord.objects.bulk_create(renamed, ignore_conflicts=True)
        seen.delete()


def erase_letters(sought: Sought, touch: Touch) -> None:
    """Dead letters stay, with their error, without the fan; what waits is refused when replayed."""
    letters = DeadLetter.objects.order_by("pk")
    changed = 0
    for letter in letters.iterator(chunk_size=KEYS_AT_A_TIME):
        record = _without_text(letter.record, sought)
        error = sought.taken_out(letter.error)
        if (record, error) != (letter.record, letter.error):
            with transaction.atomic():
                changed += 1
                DeadLetter.objects.filter(pk=letter.pk).update(record=record, error=error)
                touch(Place(AREA, TABLE, "dead letters", 1))


def erase_messages(sought: Sought, touch: Touch) -> Iterator[Left]:
    """Messages of queues stay without the fan, whatever became of them. [T-4]"""
    if queues.is_on_sqs(QueueName.VERDICT):
        yield Left(
            "messages of the verdict queue that SQS has",
            None,
            "SQS keeps them, with id and code, until their receiver deletes them or the queue's own"
            " retention ends",
        )
    for message in QueueMessage.objects.order_by("pk").iterator(chunk_size=KEYS_AT_A_TIME):
        body = _without_text(message.body, sought)
        named = sought.named_in(message.key) or sought.named_in(message.group)
        if body == message.body and not named:
            continue
        values = {"body": body, "group": sought.taken_out(message.group)}
        if sought.named_in(message.key):
            values["key"] = f"{GONE} {message.pk}"
        with transaction.atomic():
            QueueMessage.objects.filter(pk=message.pk).update(**values)
            touch(Place(AREA, TABLE, f"messages of queue {message.queue}", 1))


def _without_text(text: str, sought: Sought) -> str:
    """JSON without the fan; what is no JSON, as a text."""
    try:
        value = json.loads(text)
    except ValueError:
        return sought.taken_out(text)
    changed = forget_any(value, sought)
    return text if changed == value else json.dumps(changed)
