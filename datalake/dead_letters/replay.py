"""Dead letters are replayed into the place that they came from: their stream, their queue, or the
lake. [T-1]
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from datalake import streams
from datalake.choices import StreamName
from datalake.errors import MessageGone
from datalake.models import Claim, DeadLetter
from datalake.queues import rows as queue_rows
from datalake.save import CONSUMER, ClaimContents, save_claim
from datalake.streams.batches import key_of
from datalake.streams.lineage import stream_of
from operations.database.locks import exclusive

Commit = Callable[[], object]


def replay_all(consumer: str = "") -> int:
    """Replay every record that waits, or those that one consumer refused, oldest first; what cannot
    be replayed goes on waiting. Returns how many records.
    """
    waiting = DeadLetter.objects.waiting().order_by("id")
    if consumer:
        waiting = waiting.filter(consumer=consumer)
    return sum(replay_with_others(pk) for pk in list(waiting.values_list("pk", flat=True)))


def replay_with_others(letter_id: int, *, job: int | None = None) -> bool:
    """The same as `replay`, but False where the message is gone: that ends no others."""
    try:
        return replay(letter_id, job=job)
    except MessageGone:
        return False


def replay(
    letter_id: int,
    corrected: dict[str, Any] | None = None,
    *,
    job: int | None = None,
    commit: Commit = lambda: None,
) -> bool:
    """Replay the record, or its corrected form; `job` is the number of the job that does it with
    others, and `commit` is called in the transaction that settles the letter. False if that was
    done before, or the letter was settled. A record of the lake is written to its bucket outside of
    any transaction: call this in none.

    Raises MessageGone; OSError where the bucket is away.
    """
    letter = DeadLetter.objects.get(pk=letter_id)
    record = json.loads(letter.record) if corrected is None else corrected
    settled = {"replayed_at": timezone.now(), "settled_by_job": job}
    if is_of_stream(letter):
        return _onto_stream(letter, record, settled, commit)
    if is_of_queue(letter):
        return _into_queue(letter, record, settled, commit)
    return _into_lake(letter, record, settled, commit)


def place_of(letter: DeadLetter) -> str:
    """Where the letter is replayed, in words."""
    if is_of_queue(letter):
        return f"queue {letter.source.removeprefix(queue_rows.LETTERS_OF)}"
    return f"stream {stream_of(letter.source)}" if is_of_stream(letter) else "the lake"


def is_of_stream(letter: DeadLetter) -> bool:
    """A letter of a file that others put into the lake is of no stream."""
    return stream_of(letter.source) in StreamName.values


def is_of_queue(letter: DeadLetter) -> bool:
    return letter.source.startswith(queue_rows.LETTERS_OF)


@transaction.atomic
def _into_queue(letter: DeadLetter, record: Any, settled: dict[str, Any], commit: Commit) -> bool:
    """The message waits again, under its id."""
    waiting = DeadLetter.objects.waiting().filter(pk=letter.pk)
    if not waiting.update(**settled):
        return False
    if not queue_rows.revive(letter, json.dumps(record, separators=(",", ":"))):
        raise MessageGone(
            f"Dead letter {letter.pk} cannot be replayed: its message is no longer in the"
            f" {place_of(letter)}. Settle it without a replay."
        )
    commit()
    return True


@transaction.atomic
def _onto_stream(letter: DeadLetter, record: Any, settled: dict[str, Any], commit: Commit) -> bool:
    """Every consumer of the stream sees it; those where it took effect already pass over it. So the
    letters of all consumers that refused the same record are settled by one replay: replaying each
    would double what cannot be taken each time.
    """
    same = DeadLetter.objects.filter(
        source=letter.source, position=letter.position, index=letter.index
    )
    if not same.waiting().update(**settled):
        return False
    again = streams.Record(key_of(record), record)
    streams.publish(stream_of(letter.source), [again], key=f"replay:{letter.pk}")
    commit()
    return True


def _into_lake(letter: DeadLetter, record: Any, settled: dict[str, Any], commit: Commit) -> bool:
    """Saved as the other records of its file were, and seen by no consumer of a stream."""
    waiting = DeadLetter.objects.waiting().filter(pk=letter.pk)

    def settle() -> None:
        if waiting.update(**settled):
            commit()

    with exclusive(f"replay:{letter.pk}"):
        if not waiting.exists():
            return False
        claim, _ = Claim.objects.get_or_create(
            consumer=CONSUMER, source=f"replay:{letter.pk}", first=0
        )
        contents = ClaimContents()
        contents.add_records([((0, 0), record)])
        save_claim(claim, contents, commit=settle)
    return True
