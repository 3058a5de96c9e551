"""Records that a consumer could not take: kept with their error. [T-1]"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datalake.models import DeadLetter
from datalake.streams.batches import Place

ERROR_LENGTH = 300


@dataclass(frozen=True)
class StreamRecord:
    """A record with its place in the stream; `error` says why it was refused, and `correlation_id`
    is that under which it was published.
    """

    position: int
    index: int
    error: str
    record: Any
    correlation_id: str = ""


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


def places(consumer: str, source: str, first: int, last: int) -> frozenset[Place]:
    """Where the records are that stand in the consumer's dead letters already, of the batches from
    one position to another.
    """
    letters = DeadLetter.objects.filter(
        consumer=consumer, source=source, position__range=(first, last)
    )
    return frozenset(letters.values_list("position", "index"))
