"""Which record stops its consumer? What did so three times is halved until it is found. [T-1]

    begun (committed) → worked on → ended well: the position moves, and nothing remains of the count

A process that dies leaves the count behind; a fault that is raised counts the same. What is only
away for a while, or refuses everything alike, says nothing about the records and does not count.
After three the consumer works on one half of the suspected records at a time, as a trial of which
nothing stays: the half that ends it holds the record. That one becomes a dead letter, and the same
batches are worked on again without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from django.db import connection, transaction
from django.utils import timezone

from datalake import streams
from datalake.models import Checkpoint
from datalake.streams import deadletters
from datalake.streams.batches import Batch, unpack_records
from datalake.streams.deadletters import StreamRecord
from operations.alerts import alert
from operations.database.locks import exclusive
from operations.database.statements import commit_without_waiting
from operations.errors import Refusal
from operations.job_kinds import is_transient

logger = logging.getLogger(__name__)

DEATHS = 3
Done = TypeVar("Done")
# position of a batch → numbers of its records that are left out
LeftOut = Mapping[int, frozenset[int]]


@dataclass(frozen=True)
class Search:
    """What is known of the batches in hand: how often they were begun since something ended well,
    and from which record to before which one the culprit is (0 to 0: they are not suspected).
    """

    attempts: int = 0
    first: int = 0
    end: int = 0

    @property
    def middle(self) -> int:
        """The trial takes the records from the first to before this one."""
        return self.first + max(1, (self.end - self.first) // 2)


def after_deaths(found: Search, records: int) -> Search:
    """What follows from the attempts that did not end, in batches of so many records: nothing yet,
    all are suspected, or the half that was tried holds the culprit.
    """
    if found.end:
        return Search(0, found.first, found.middle) if found.attempts else found
    return Search(0, 0, records) if found.attempts >= DEATHS else found


def after_trial(found: Search) -> Search | None:
    """The trial ended well: the culprit is in the other half. None if there is no other half."""
    return Search(0, found.middle, found.end) if found.middle < found.end else None


def counts(error: Exception) -> bool:
    """Whether the error may come from a record."""
    return not (isinstance(error, Refusal) or is_transient(error))


def guarded(
    consumer: str,
    stream: str,
    batches: int,
    *,
    work: Callable[[int, LeftOut], Done],
    trial: Callable[[int, LeftOut], object],
    nothing: Done,
) -> Done | None:
    """One step of a consumer over at most so many batches; None when nothing was there.

    `work` takes the last position and the records to leave out, and moves the consumer's position
    (`move_on`); `trial` does the same with fewer records, and leaves nothing behind. After a trial
    the answer is `nothing`. Raises what they raise. Where another process is at it, nothing is done
    either: one that hangs would hold up all that wait for it.
    """
    with exclusive(f"consumer:{consumer}:{stream}", wait=False) as held:
        if not held:
            return None
        place, _ = Checkpoint.objects.get_or_create(consumer=consumer, stream=stream)
        last = (
            place.begun
            if place.begun > place.position
            else streams.extent(stream, place.position, batches)
        )
        if last == place.position:
            return None
        found = Search(place.attempts, place.suspect_first, place.suspect_end)
        if found.end or found.attempts >= DEATHS:
            found = _narrowed(place, last, found)
        left_out = deadletters.places(consumer, stream, place.position + 1, last)
        with transaction.atomic():
            commit_without_waiting()  # a process that dies loses nothing, and this is each step's
            _save(place, replace(found, attempts=found.attempts + 1), last)
        try:
            if not found.end:
                return work(last, left_out)
            tried = streams.read(stream, place.position + 1, last)
            trial(last, joined(left_out, outside(tried, found.first, found.middle)))
        except BaseException as error:
            if not isinstance(error, Exception) or not counts(error):
                if not connection.in_atomic_block:
                    connection.close_if_unusable_or_obsolete()
                _save(place, found, last)
            raise
        _after_good_trial(place, last, found)
        return nothing


def move_on(consumer: str, stream: str, position: int) -> None:
    """The consumer took what comes up to this position. Call it in the transaction of its
    effects.
    """
    Checkpoint.objects.filter(consumer=consumer, stream=stream).update(
        position=position, attempts=0, suspect_first=0, suspect_end=0, updated_at=timezone.now()
    )


def outside(batches: Sequence[Batch], first: int, end: int) -> LeftOut:
    """The records of the batches, counted through, that are not from `first` to before `end`."""
    left_out, at = {}, 0
    for batch in batches:
        records = range(batch.payload.records)
        left_out[batch.position] = frozenset(n for n in records if not first <= at + n < end)
        at += len(records)
    return left_out


def joined(one: LeftOut, other: LeftOut) -> LeftOut:
    positions = one.keys() | other.keys()
    return {p: one.get(p, frozenset()) | other.get(p, frozenset()) for p in positions}


def _narrowed(place: Checkpoint, last: int, found: Search) -> Search:
    """The search after the attempts that did not end; a culprit that is found becomes a dead
    letter.
    """
    batches = streams.read(place.stream, place.position + 1, last)
    narrower = after_deaths(found, sum(batch.payload.records for batch in batches))
    if not found.end:
        alert(
            f":warning: Consumer {place.consumer} was stopped {DEATHS} times by the same records of"
            f" stream {place.stream}. The record at fault is being searched for."
        )
    if narrower == found or narrower.end - narrower.first > 1:
        return narrower
    with transaction.atomic():
        _bury(place, batches, narrower.first)
        _save(place, Search(), last)
    return Search()


def _bury(place: Checkpoint, batches: Sequence[Batch], number: int) -> None:
    for batch in batches:
        if number < batch.payload.records:
            break
        number -= batch.payload.records
    record = unpack_records(batch.payload)[number]
    why = "it stopped its consumer several times; see the consumer's log"
    letter = StreamRecord(batch.position, number, why, record)
    deadletters.store(place.consumer, place.stream, [letter])
    alert(
        f":red_circle: A record stopped consumer {place.consumer} several times and is now a dead"
        f" letter: {place.stream}:{batch.position}[{number}]."
    )


def _after_good_trial(place: Checkpoint, last: int, found: Search) -> None:
    rest = after_trial(found)
    _save(place, rest or Search(), last)
    if rest is None:
        alert(
            f":red_circle: Consumer {place.consumer} is stopped by records of stream {place.stream}"
            f" (positions {place.position + 1} to {last}), but by none of them alone. It tries"
            " again. Check its log."
        )


def _save(place: Checkpoint, search: Search, last: int) -> None:
    Checkpoint.objects.filter(pk=place.pk).update(
        attempts=search.attempts,
        suspect_first=search.first,
        suspect_end=search.end,
        begun=last,
    )
