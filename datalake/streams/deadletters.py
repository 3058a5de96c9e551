"""Records that a consumer could not take: kept with their error, seen, replayed. [T-1]"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from datalake import streams
from datalake.choices import StreamName
from datalake.models import DeadLetter

ERROR_LENGTH = 300


@dataclass(frozen=True)
class StreamRecord:
    """A record with its place in the stream; `error` says why it was refused."""

    position: int
    index: int
    error: str
    record: Any


def store(consumer: str, source: str, records: Sequence[StreamRecord]) -> None:
    """Store refused records, in the transaction that moves the consumer on; each record once."""
    rows = [
        DeadLetter(
            consumer=consumer,
            source=source,
            position=each.position,
            index=each.index,
            error=each.error[:ERROR_LENGTH],
            record=json.dumps(each.record, default=str),
        )
        for each in records
    ]
    DeadLetter.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)


def replay_all(consumer: str = "") -> int:
    """Replay every record that waits, or those that one consumer refused, oldest first. Returns how
    many records.
    """
    waiting = DeadLetter.objects.filter(replayed_at=None).order_by("id")
    if consumer:
        waiting = waiting.filter(consumer=consumer)
    return sum(replay(pk) for pk in list(waiting.values_list("pk", flat=True)))


def replay(letter_id: int, corrected: dict[str, Any] | None = None) -> bool:
    """Put the record, or its corrected form, on its stream again (a file's on `input`). False if
    that was done before.

    Every consumer of the stream sees it; those where it took effect already pass over it. So the
    letters of all consumers that refused the same record are settled by one replay: replaying each
    would double what cannot be taken each time.
    """
    with transaction.atomic():
        letter = DeadLetter.objects.get(pk=letter_id)
        same = DeadLetter.objects.filter(
            source=letter.source, position=letter.position, index=letter.index
        )
        if not same.filter(replayed_at=None).update(replayed_at=timezone.now()):
            return False
        stream = letter.source if letter.source in StreamName.values else StreamName.INPUT
        record = streams.Record("", json.loads(letter.record) if corrected is None else corrected)
        streams.publish(stream, [record], key=f"replay:{letter_id}")
    return True
