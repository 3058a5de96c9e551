"""A person settles dead letters: replayed, or without that; who, when and why is in the history.
[T-1, O-7]
"""

from __future__ import annotations

from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from datalake.dead_letters import replay
from datalake.models import DeadLetter
from operations import jobs
from operations.subjects import Subject


def subject_of(letter_id: int) -> Subject:
    return Subject("dead_letter", str(letter_id))


def replay_one(letter_id: int, *, by: User, reason: str) -> bool:
    """Replay the record as it is. False if it was replayed or settled before. Raises as
    `replay.replay` does; call it in no transaction.
    """
    replayed = partial(
        jobs.record_move, subject_of(letter_id), "waiting", "replayed", by=by, reason=reason
    )
    return replay.replay(letter_id, commit=replayed)


def settle_one(letter_id: int, *, by: User, reason: str) -> bool:
    """Settle the letter without a replay: its record takes no effect. False if it was replayed or
    settled before.
    """
    with transaction.atomic():
        waiting = DeadLetter.objects.waiting().filter(pk=letter_id)
        done = bool(waiting.update(dropped_at=timezone.now()))
        if done:
            jobs.record_move(subject_of(letter_id), "waiting", "settled", by=by, reason=reason)
    return done
