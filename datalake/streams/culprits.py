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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TypeVar

from django.db import connection, transaction

from datalake import streams
from datalake.models import Checkpoint
from datalake.streams import deadletters
from datalake.streams.batches import Batch, Place, unpack_records
from datalake.streams.deadletters import StreamRecord
from datalake.streams.lanes import LEASE_SECONDS, Lane
from operations.alerts import alert
from operations.database.locks import ended_when_idle, exclusive
from operations.database.statements import commit_without_waiting
from operations.errors import Refusal
from operations.job_kinds import is_transient

logger = logging.getLogger(__name__)

DEATHS = 3
Done = TypeVar("Done")
# records that are not worked on
LeftOut = frozenset[Place]


@dataclass(frozen=True)
class Stretch:
    """The batches in hand: those behind one position, up to another."""

    after: int
    last: int
    batches: Sequence[Batch]


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
    lane: Lane,
    batches: int,
    *,
    work: Callable[[Stretch, LeftOut], Done],
    trial: Callable[[Stretch, LeftOut], object],
    nothing: Done,
) -> Done | None:
    """One step of a consumer over at most so many batches; None when nothing was there.

    `work` takes the batches and the records to leave out, and moves the consumer's position
    (`Lane.move_on`); `trial` does the same with fewer records, and leaves nothing behind. After a
    trial the answer is `nothing`. Raises what they raise. Where another process is at it, nothing
    is done either: one that hangs would hold up all that wait for it.
    """
    with exclusive(f"consumer:{lane.consumer}:{lane.source}", wait=False) as held:
        if not held:
            return None
        with ended_when_idle(LEASE_SECONDS):
            return _guarded(lane, batches, work, trial, nothing)


def _guarded(
    lane: Lane,
    batches: int,
    work: Callable[[Stretch, LeftOut], Done],
    trial: Callable[[Stretch, LeftOut], object],
    nothing: Done,
) -> Done | None:
    place, _ = Checkpoint.objects.get_or_create(
        consumer=lane.consumer, stream=lane.stream, shard=lane.shard
    )
    last = place.begun
    if last <= place.position:
        last = streams.extent(lane.stream, place.position, batches, shard=lane.shard)
    if last == place.position:
        if not streams.has_ended(lane.stream, lane.shard, last):
            return None
        lane.checkpoints.update(ended=True)
        return nothing  # there may be something in the shard's children
    found = Search(place.attempts, place.suspect_first, place.suspect_end)
    if found.end or found.attempts >= DEATHS:
        found = _narrowed(lane, place, last, found)
    left_out = deadletters.places(lane.consumer, lane.source, place.position + 1, last)
    with transaction.atomic():
        commit_without_waiting()  # a process that dies loses nothing, and this is each step's
        _save(place, replace(found, attempts=found.attempts + 1), last)
    try:
        hand = Stretch(place.position, last, _read(lane, place.position, last))
        if not found.end:
            return work(hand, left_out)
        trial(hand, left_out | outside(hand.batches, found.first, found.middle))
    except BaseException as error:
        if not isinstance(error, Exception) or not counts(error):
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            _save(place, found, last)
        raise
    _after_good_trial(lane, place, last, found)
    return nothing


def _read(lane: Lane, after: int, last: int) -> list[Batch]:
    return streams.read(lane.stream, after + 1, last, shard=lane.shard)


def outside(batches: Sequence[Batch], first: int, end: int) -> LeftOut:
    """The records of the batches, counted through, that are not from `first` to before `end`."""
    places = chain.from_iterable(batch.places() for batch in batches)
    return frozenset(place for at, place in enumerate(places) if not first <= at < end)


def _narrowed(lane: Lane, place: Checkpoint, last: int, found: Search) -> Search:
    """The search after the attempts that did not end; a culprit that is found becomes a dead
    letter.
    """
    batches = _read(lane, place.position, last)
    narrower = after_deaths(found, sum(batch.payload.records for batch in batches))
    if not found.end:
        alert(
            f":warning: Consumer {lane.consumer} was stopped {DEATHS} times by the same records of"
            f" stream {lane.source}. The record at fault is being searched for."
        )
    if narrower == found or narrower.end - narrower.first > 1:
        return narrower
    with transaction.atomic():
        _bury(lane, batches, narrower.first)
        _save(place, Search(), last)
    return Search()


def _bury(lane: Lane, batches: Sequence[Batch], number: int) -> None:
    for batch in batches:
        if number < batch.payload.records:
            break
        number -= batch.payload.records
    record = unpack_records(batch.payload)[number]
    why = "it stopped its consumer several times; see the consumer's log"
    position, index = next(islice(batch.places(), number, None))
    deadletters.store(lane.consumer, lane.source, [StreamRecord(position, index, why, record)])
    alert(
        f":red_circle: A record stopped consumer {lane.consumer} several times and is now a dead"
        f" letter: {lane.source}:{position}[{index}]."
    )


def _after_good_trial(lane: Lane, place: Checkpoint, last: int, found: Search) -> None:
    rest = after_trial(found)
    _save(place, rest or Search(), last)
    if rest is None:
        alert(
            f":red_circle: Consumer {lane.consumer} is stopped by records of stream {lane.source}"
            f" (positions {place.position + 1} to {last}), but by none of them alone. It tries"
            " again. Check its log."
        )


def _save(place: Checkpoint, search: Search, last: int) -> None:
    unmoved = Checkpoint.objects.filter(pk=place.pk, position=place.position)
    unmoved.update(
        attempts=search.attempts,
        suspect_first=search.first,
        suspect_end=search.end,
        begun=last,
    )
