"""A wave is triggered, by a person or when it is due: what is approved at this moment goes out, and
its codes are assigned, confirmed and published before anything is sent. [W-2, W-11, X-5]
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from operations.adminkit.countdowns import until
from operations.alerts import alert
from operations.database.retries import retried
from operations.errors import Refusal, error_text
from operations.instants import in_words
from operations.jobs import record_move
from waves.approval import renew
from waves.choices import Channel, Queue, WaveState
from waves.codes import assignments, partner_assignments
from waves.digest import (
    require_approved_content,
    require_approved_providers,
    require_unchanged,
)
from waves.errors import CodeServiceAway, ContentChanged, NotDue, ReasonMissing, TooLate, WrongState
from waves.lifecycle import QUEUE_WORDS, move, move_locked, require_state, subject_of
from waves.locks import lock_wave, try_lock_wave
from waves.models import Wave
from waves.naming import GRACE

logger = logging.getLogger(__name__)


def trigger(wave: Wave, *, by: User | None, now: datetime, reason: str = "") -> Wave:
    """Trigger one wave now: a due one, or a held one by a person's decision; a triggered one is
    only completed.

    Raises WrongState, NotDue, ReasonMissing for a held one, CodesNotAssigned; ContentChanged after
    voiding the approval of what changed; TooLate after holding a scheduled wave that is more than
    the grace late. [W-2, W-11]
    """
    require_state(wave, WaveState.SCHEDULED, WaveState.HELD, WaveState.TRIGGERED)
    if wave.state == WaveState.SCHEDULED:
        _require_due(wave, now)
    if wave.state == WaveState.HELD and not reason.strip():
        raise ReasonMissing(f"Wave {wave.name}: a reason is required to send a held wave.")
    if wave.state != WaveState.TRIGGERED:
        if renew(wave.pk, by=None, reason="content changed"):
            wave.refresh_from_db()
            raise ContentChanged(
                f"Wave {wave.name}: its messages have changed since it was approved, so nothing was"
                " sent. Check them and approve the wave again."
            )
        seen = WaveState(wave.state)
        _trigger_as_seen(wave.pk, seen, by=by, now=now, reason=reason)
        wave.refresh_from_db()
    assign_codes(wave, now=now)
    return wave


@retried
@transaction.atomic
def trigger_if_free(wave: Wave, *, now: datetime) -> Wave | None:
    """Trigger a scheduled wave that is due; None where somebody else holds it or its campaign at
    this moment, or has given it another date since it was listed.
    """
    locked = try_lock_wave(wave)
    if locked is None or locked.notify_date != wave.notify_date:
        return None
    require_state(locked, WaveState.SCHEDULED)  # a held one is for a person to decide
    _trigger_locked(locked, by=None, now=now, reason="due")
    return locked


def assign_codes(wave: Wave, *, now: datetime) -> assignments.Assigned:
    """Assign and publish the codes of a triggered wave; repeats change nothing. Where the code
    service has to confirm some, publishing is left to who sends the wave (`finish_trigger`): here
    no network is waited for. Raises CodesNotAssigned, WrongState.
    """
    assigned = assignments.assign(wave, now=now)
    if not partner_assignments.is_waiting(wave):
        _publish(wave, assigned, now=now)
    return assigned


def finish_trigger(wave: Wave, *, now: datetime) -> Exception | None:
    """Assign, confirm and publish what is left of a triggered wave before it is sent. What it
    refuses is returned, and the wave is paused with an alert: nothing of it may be sent.

    Raises WrongState, and CodeServiceAway where the same may work later. [W-11, K-4]
    """
    try:
        assigned = assign_codes(wave, now=now)
        if partner_assignments.confirm(wave, now=now):
            _publish(wave, assigned, now=now)
    except (WrongState, CodeServiceAway):
        raise
    except (Refusal, IntegrityError) as error:
        _pause(wave, error)
        return error
    return None


def pause_unapproved(wave: Wave, channel: Channel) -> bool:
    """Pause a wave, or what a completed one still has to send, with an alert, where the settings
    name none of the channel's providers that were approved with it. True where it did. [X-5]
    """
    try:
        require_approved_providers(wave, channel)
    except ContentChanged as error:
        _pause(wave, error)
        return True
    return False


def hold(locked: Wave, reason: str, why: str) -> None:
    """→ HELD with an alert: a person decides. Call it in the transaction that has locked the wave.
    [W-11]
    """
    move_locked(locked, WaveState.HELD, by=None, reason=reason)
    alert(
        f":warning: Wave {locked.name} is held because {why}. Send it now, give it a new notify"
        " date, or cancel it."
    )


def lateness(wave: Wave, now: datetime) -> str:
    """How long ago the wave was due, in words."""
    return until(wave.notify_date, now, past="late")


def _require_due(wave: Wave, now: datetime) -> None:
    if now < wave.notify_date:
        raise NotDue(f"Wave {wave.name} is not due until {in_words(wave.notify_date)}.")
    if now > wave.notify_date + GRACE:
        late = lateness(wave, now)
        with transaction.atomic():
            hold(lock_wave(wave.pk), late, f"it is {late}")
        raise TooLate(
            f"Wave {wave.name} was due at {in_words(wave.notify_date)} and is now held."
            " Decide whether to send it."
        )


@retried
@transaction.atomic
def _trigger_as_seen(
    wave_pk: int, seen: WaveState, *, by: User | None, now: datetime, reason: str
) -> None:
    """Trigger the wave if it is still in the state in which somebody decided to."""
    locked = lock_wave(wave_pk)
    require_state(locked, seen)
    _trigger_locked(locked, by=by, now=now, reason=reason)


def _trigger_locked(locked: Wave, *, by: User | None, now: datetime, reason: str) -> None:
    """What is approved at this moment is sent, whatever changes later. [X-5]"""
    require_unchanged(locked)
    require_approved_content(locked)
    move_locked(locked, WaveState.TRIGGERED, by=by, reason=reason, triggered_at=now)


def _publish(wave: Wave, assigned: assignments.Assigned, *, now: datetime) -> None:
    published = assignments.publish(wave, now=now)
    counts = {"valid": assigned.valid, "updated": assigned.updated, "published": published}
    logger.info("codes assigned", extra={"wave": wave.name, **counts})


def _pause(wave: Wave, error: Exception) -> None:
    """Or what a completed wave still has to send."""
    with transaction.atomic():
        locked, reason = lock_wave(wave.pk), error_text(error)
        if locked.state != WaveState.COMPLETED:
            move(wave, WaveState.PAUSED, by=None, reason=reason)
        elif Wave.objects.filter(pk=wave.pk, queue=Queue.RUNNING).update(queue=Queue.PAUSED):
            words = QUEUE_WORDS[Queue.PAUSED]
            record_move(subject_of(wave), locked.state, words, by=None, reason=reason)
        else:
            return
        alert(f":red_circle: Wave {wave.name} is paused: {reason}")
