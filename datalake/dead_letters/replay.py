"""Dead letters are replayed into the place that they came from: their stream, their queue, or the
lake. [T-1]

Those of streams and queues go in pieces, each in one transaction that holds their rows, so what is
replayed is what they say then: an erasure waits, or has been there. A record of the lake is written
to its bucket outside of any transaction, each by its own claim.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Length
from django.utils import timezone

from datalake import streams
from datalake.choices import StreamName
from datalake.dead_letters import found
from datalake.errors import MessageGone
from datalake.models import Claim, DeadLetter
from datalake.queues import rows as queue_rows
from datalake.save import CONSUMER, ClaimContents, save_claim
from datalake.storage.objects import BucketUnreachable
from datalake.streams import deduplication
from datalake.streams.batches import key_of
from datalake.streams.lineage import stream_of
from operations.database.locks import exclusive
from operations.database.retries import retried
from operations.database.statements import rows

Commit = Callable[[], object]
AT_A_TIME: Final = 500
PIECE_CHARACTERS: Final = 8 << 20  # of records; one letter may have more

# The letters of all consumers that refused the same record, found by the index of "once".
_SAME = """
SELECT same.id FROM datalake_deadletter AS asked
JOIN datalake_deadletter AS same ON same.consumer = ANY(%(consumers)s)
    AND same.source = asked.source AND same.position = asked.position AND same.index = asked.index
WHERE asked.id = ANY(%(numbers)s)
"""


class _Settled(Exception):
    """The letter was settled, or erased, while its record was written."""


def replay_all(consumer: str = "") -> int:
    """Replay every record that waits, or those that one consumer refused, oldest first; what cannot
    be replayed goes on waiting. Returns how many records. Raises BucketUnreachable.
    """
    waiting = DeadLetter.objects.waiting().order_by("id")
    if consumer:
        waiting = waiting.filter(consumer=consumer)
    # what is refused again is a new letter, and waits
    return replay_many(list(waiting.values_list("pk", flat=True)))


def replay_many(
    numbers: Sequence[int], *, job: int | None = None, check: Callable[[], object] = lambda: None
) -> int:
    """Replay those of these letters that wait; one whose message is gone goes on waiting, and ends
    no others. Returns how many records. `job` is the number of the job that does it, and `check` is
    called between two pieces, and may raise to stop.

    Raises BucketUnreachable when everything that needs no bucket is replayed: the others wait.
    """
    of_lake, done = list[int](), 0
    for start in range(0, len(numbers), AT_A_TIME):
        more, needing = without_bucket(numbers[start : start + AT_A_TIME], job=job, check=check)
        of_lake, done = of_lake + needing, done + more
    return into_lake(of_lake, done=done, total=len(numbers), job=job, check=check)


def without_bucket(
    numbers: Sequence[int], *, job: int | None = None, check: Callable[[], object]
) -> tuple[int, list[int]]:
    """Replay those that go onto a stream or into a queue; how many, and which are left for
    `into_lake`.
    """
    done, of_lake = 0, list[int]()
    for of_bucket, piece in _pieces(numbers):
        if of_bucket:
            of_lake += piece
            continue
        check()
        done += len(_put_back(piece, job=job))
    return done, of_lake


def into_lake(
    numbers: Sequence[int],
    *,
    done: int,
    total: int,
    job: int | None = None,
    check: Callable[[], object],
) -> int:
    """Replay letters of the lake, where `done` of `total` are replayed already; how many are then.
    Raises BucketUnreachable.
    """
    for number in numbers:
        check()
        try:
            done += _into_lake(number, job=job)
        except OSError as error:
            raise BucketUnreachable(
                f"The lake's bucket cannot be reached: {error} {done} of {total} dead letters were"
                " replayed, the others wait. Replay them again when it is back."
            ) from error
    return done


def _pieces(numbers: Sequence[int]) -> Iterator[tuple[bool, list[int]]]:
    """The letters that wait in pieces of so many characters, and whether they need the bucket."""
    letters = DeadLetter.objects.waiting().filter(pk__in=numbers).order_by("pk")
    size, piece = 0, 0
    placed = []
    for number, source, length in letters.values_list("pk", "source", Length("record")):
        size += length
        if size > PIECE_CHARACTERS:
            size, piece = length, piece + 1
        placed.append(((piece, _is_of_lake(source)), number))
    for (_, of_lake), group in groupby(sorted(placed), key=lambda each: each[0]):
        yield of_lake, [number for _, number in group]


def replay(
    letter_id: int, corrected: dict[str, Any] | None = None, *, commit: Commit = lambda: None
) -> bool:
    """Replay one record, or its corrected form; `commit` is called in the transaction that settles
    the letter. False if that was done before, or the letter was settled. Call it in no transaction.

    Raises MessageGone; OSError where the bucket is away.
    """
    letter = DeadLetter.objects.defer("record").get(pk=letter_id)
    if _is_of_lake(letter.source):
        return _into_lake(letter_id, corrected, commit=commit)
    with transaction.atomic():
        if letter_id in _put_back([letter_id], corrected):
            commit()
            return True
        if not DeadLetter.objects.waiting().filter(pk=letter_id).exists():
            return False
    raise MessageGone(
        f"Dead letter {letter_id} cannot be replayed: its message is no longer in the"
        f" {place_of(letter)}. Settle it without a replay."
    )


def place_of(letter: DeadLetter) -> str:
    """Where the letter is replayed, in words."""
    if _is_of_queue(letter.source):
        return f"queue {letter.source.removeprefix(queue_rows.LETTERS_OF)}"
    return "the lake" if _is_of_lake(letter.source) else f"stream {stream_of(letter.source)}"


def is_of_stream(letter: DeadLetter) -> bool:
    """A letter of a file that others put into the lake is of no stream."""
    return stream_of(letter.source) in StreamName.values


def _is_of_queue(source: str) -> bool:
    return source.startswith(queue_rows.LETTERS_OF)


def _is_of_lake(source: str) -> bool:
    return not _is_of_queue(source) and stream_of(source) not in StreamName.values


@retried
@transaction.atomic
def _put_back(
    numbers: Sequence[int], corrected: dict[str, Any] | None = None, *, job: int | None = None
) -> set[int]:
    """Put the records of these letters back onto their streams and into their queues; the numbers
    of those that were. Every consumer of a stream sees its record, and those where it took effect
    already pass over it: so the letters of all consumers that refused it are settled by one replay.
    """
    locked = _locked(numbers)
    asked = {_place(each): each for each in reversed(locked) if each.pk in set(numbers)}
    letters = sorted(asked.values(), key=lambda each: each.pk)
    records = {
        each.pk: json.loads(each.record) if corrected is None else corrected for each in letters
    }
    done = _into_queues([each for each in letters if _is_of_queue(each.source)], records)
    done |= _onto_streams([each for each in letters if is_of_stream(each)], records)
    places = {_place(each) for each in letters if each.pk in done}
    settled = [each.pk for each in locked if _place(each) in places]
    _settle(settled, job)
    return set(settled) & set(numbers)


def _locked(numbers: Sequence[int]) -> list[DeadLetter]:
    """The letters that wait, and those that wait with them, locked in the order of all."""
    same = rows(_SAME, consumers=found.consumers(), numbers=list(numbers))
    letters = DeadLetter.objects.waiting().filter(pk__in=[number for (number,) in same])
    return list(letters.select_for_update().order_by("pk"))


def _place(letter: DeadLetter) -> tuple[str, int, int]:
    return letter.source, int(letter.position), letter.index


def _into_queues(letters: Iterable[DeadLetter], records: dict[int, Any]) -> set[int]:
    """The messages wait again, under their ids; the letters of those that are still there."""
    by_message = {int(each.position): each.pk for each in letters}
    bodies = {
        message: json.dumps(records[pk], separators=(",", ":"))
        for message, pk in by_message.items()
    }
    return {by_message[message] for message in queue_rows.revive(bodies)} if bodies else set()


def _onto_streams(letters: Iterable[DeadLetter], records: dict[int, Any]) -> set[int]:
    by_stream: dict[str, list[int]] = {}
    for each in letters:
        by_stream.setdefault(stream_of(each.source), []).append(each.pk)
    for stream, numbers in sorted(by_stream.items()):  # streams are locked in the order of names
        again = [streams.Record(key_of(records[pk]), records[pk]) for pk in numbers]
        streams.publish(stream, again, key=f"replay:{numbers[0]}")
    return {pk for numbers in by_stream.values() for pk in numbers}


def _into_lake(
    number: int,
    corrected: dict[str, Any] | None = None,
    *,
    job: int | None = None,
    commit: Commit = lambda: None,
) -> bool:
    """Saved as the other records of its file were, and seen by no consumer of a stream."""

    def settle() -> None:
        if not _settle([number], job):
            raise _Settled
        commit()

    with exclusive(f"replay:{number}"):
        letter = DeadLetter.objects.waiting().filter(pk=number).first()
        if letter is None:
            return False
        claim, _ = Claim.objects.get_or_create(
            consumer=CONSUMER, source=f"replay:{number}", first=0
        )
        contents = ClaimContents()
        contents.add_records(
            [((0, 0), json.loads(letter.record) if corrected is None else corrected)]
        )
        try:
            save_claim(claim, contents, commit=settle)
        except _Settled:
            _take_back(claim, contents)
            return False
    return True


def _take_back(claim: Claim, contents: ClaimContents) -> None:
    """The record takes no effect here, and may by another road; its file is seen by no one."""
    hashes = [each for frames in contents.frames.values() for each in frames[0]["dedupeHash"]]
    deduplication.unmark(CONSUMER, hashes, claim.pk)
    claim.delete()


def _settle(numbers: Sequence[int], job: int | None) -> int:
    waiting = DeadLetter.objects.waiting().filter(pk__in=numbers)
    return waiting.update(replayed_at=timezone.now(), settled_by_job=job)
