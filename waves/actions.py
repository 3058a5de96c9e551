"""What a person does to a wave by hand: reset, give it a new notify date, cancel, pause, resume.
Each takes a reason and is recorded. [W-2, W-9, N-6]
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.db import transaction

from campaigns.opening import require_open
from operations.database.locks import exclusive
from operations.database.retries import retried
from operations.entry.values import MOST_WHOLE
from operations.instants import in_words
from operations.jobs import drop_retries, record_move
from waves.approval import CHANGEABLE, WITHDRAWN, back_to_configured, renew
from waves.choices import Queue, WaveState
from waves.codes import reservations
from waves.digest import content_digest
from waves.errors import (
    BadSoftStart,
    ContentChanged,
    NotPermitted,
    ReasonMissing,
    TooLate,
    WrongState,
)
from waves.holds import codes_kept
from waves.lifecycle import QUEUE_WORDS, UNAPPROVED, move, require_state, subject_of
from waves.locks import lock_wave
from waves.messages.templates import live_content, texts_in
from waves.models import Wave
from waves.naming import aware
from waves.preparation import config_files, status_files
from waves.preparation.judgement import needs_expediting, require_lead_time
from waves.preparation.submission import JOB_KIND, require_alone
from waves.second_count.count import open_job
from waves.second_count.verdict import Standing, standing
from waves.sending import results
from waves.soft_start import progress
from waves.uploads import submission as uploads

RESETTABLE = (
    *(WaveState.CONFIGURED, WaveState.CODE_GENERATED, WaveState.FAILED),
    *(WaveState.PREPARED, WaveState.APPROVED),
)

# Of what a completed wave still has to send: from what it may become so.
QUEUE_BEFORE = {
    Queue.PAUSED: (Queue.RUNNING,),
    Queue.RUNNING: (Queue.PAUSED,),
    Queue.CANCELLED: (Queue.RUNNING, Queue.PAUSED),
}


def reset(wave: Wave, *, by: User, reason: str) -> Wave:
    """A wave before SCHEDULED goes back to CONFIGURED with two new attempts: without members, its
    codes stay reserved for them. [W-9]

    Raises ReasonMissing, NotPermitted without the right to reset this wave, WrongState,
    AlreadyRunning while it is being prepared.
    """
    require_state(wave, *RESETTABLE)
    _require_reason(wave, reason)
    _require_may_reset(wave, by)
    with exclusive(f"wave {wave.name}", wait=False) as alone:
        require_alone(alone, wave.name)
        _reset(wave, by=by, reason=reason)
        status_files.put_right_if_reachable(wave)
        config_files.put_right_if_reachable(wave)
    wave.refresh_from_db()
    return wave


def may_reset(wave: Wave, by: User) -> bool:
    """The right to reset is an administrator's. A wave whose second count differs has no other way
    forward, so there who may prepare waves may reset it. [W-9, X-14]
    """
    stuck = wave.state == WaveState.PREPARED and standing(wave) == Standing.DIFFERS
    return by.has_perm("waves.reset_wave") or (stuck and by.has_perm("waves.prepare_wave"))


def _require_may_reset(wave: Wave, by: User) -> None:
    if not may_reset(wave, by):
        raise NotPermitted(
            f"User {by.get_username()} does not have permission to reset wave {wave.name}: without"
            " the right to reset waves, only a wave whose second count differs can be reset. Ask"
            " an administrator."
        )


def _drop_retries(wave: Wave) -> None:
    """Neither a preparation nor an upload is attempted again without a person."""
    for kind in (JOB_KIND, uploads.JOB_KIND):
        drop_retries(kind, subject_of(wave))


@retried
@transaction.atomic
def _reset(wave: Wave, *, by: User, reason: str) -> None:
    campaign = lock_wave(wave.pk).campaign
    wave.refresh_from_db()
    require_state(wave, *RESETTABLE)
    _require_may_reset(wave, by)
    _drop_retries(wave)
    if wave.state != WaveState.CONFIGURED:
        back_to_configured(wave, by=by, reason=reason)
        return
    require_open(campaign)
    # An attempt whose process was killed was counted, but moved nothing.
    Wave.objects.filter(pk=wave.pk).update(attempts=0, **WITHDRAWN)
    record_move(subject_of(wave), WaveState.CONFIGURED, WaveState.CONFIGURED, by=by, reason=reason)


@retried
@transaction.atomic
def reschedule(wave: Wave, *, notify_date: datetime, by: User, reason: str, now: datetime) -> Wave:
    """A new notify date for a prepared wave, a held one too: PREPARED again with the same members
    and codes, and a new digest to be approved by somebody else. [W-2, K-2, W-10]

    Raises ReasonMissing, NaiveDate, WrongState, ContentChanged; TooLate where the date has passed,
    and TooLate or NotPermitted where the wave was prepared less than a day before it [W-4].
    """
    _require_reason(wave, reason)
    locked = lock_wave(wave.pk)
    require_state(locked, *CHANGEABLE)
    before = WaveState(locked.state)
    _require_usable_date(locked, aware(notify_date), by=by, reason=reason, now=now)
    if content_digest(locked) != locked.content_digest:
        raise ContentChanged(
            f"Wave {wave.name}: its members have changed since it was prepared. Cancel it, and"
            " prepare another wave."
        )
    locked.notify_date = notify_date
    locked.content = live_content(locked, texts_in(locked.content))
    values = {
        "notify_date": notify_date,
        "content": locked.content,
        "content_digest": content_digest(locked),
        "notify_channels": locked.content["notify_channels"],
        "expedited": reason if needs_expediting(notify_date, locked.prepared_at) else "",
        "edited_by": by,
        **UNAPPROVED,
    }
    why = f"new notify date {notify_date.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {reason}"
    if before == WaveState.PREPARED:
        Wave.objects.filter(pk=wave.pk, state=before).update(**values)
        record_move(subject_of(wave), before, before, by=by, reason=why)
    else:
        move(locked, WaveState.PREPARED, by=by, reason=why, **values)
    reservations.redate(locked)
    open_job(locked)
    wave.refresh_from_db()
    return wave


def choose_soft_start(wave: Wave, fans: int | None, *, by: User, reason: str) -> Wave:
    """How many fans of a prepared wave are notified first: none where it is 0, as the campaign says
    where it is None. What changes is approved anew, by somebody else. [N-9, X-5, W-10]

    Raises ReasonMissing, BadSoftStart, WrongState.
    """
    _require_reason(wave, reason)
    if fans is not None and not 0 <= fans <= MOST_WHOLE:
        raise BadSoftStart(f"Soft start: write a number from 0 to {MOST_WHOLE:,}.")
    _choose_soft_start(wave.pk, fans, by=by, reason=f"soft start: {reason}")
    wave.refresh_from_db()
    return wave


@retried
@transaction.atomic
def _choose_soft_start(wave_pk: int, fans: int | None, *, by: User, reason: str) -> None:
    locked = lock_wave(wave_pk)
    require_open(locked.campaign)
    require_state(locked, *CHANGEABLE)
    Wave.objects.filter(pk=wave_pk).update(soft_start=fans)
    if not renew(wave_pk, by=by, reason=reason):
        record_move(subject_of(locked), locked.state, locked.state, by=by, reason=reason)


def _require_usable_date(
    wave: Wave, notify_date: datetime, *, by: User, reason: str, now: datetime
) -> None:
    if notify_date <= now:
        raise TooLate(
            f"Wave {wave.name}: the notify date {in_words(notify_date)} has passed. Choose a"
            " later one."
        )
    require_lead_time(
        notify_date, by=by, now=wave.prepared_at or now, reason=reason, name=wave.name
    )


def cancel(wave: Wave, *, by: User, reason: str) -> Wave:
    """Any state before COMPLETED → CANCELLED; its fans and its unassigned codes are free again.
    [W-2, K-5] A completed wave stays so, and what it still has to send is not sent. [N-6]

    Raises ReasonMissing, WrongState, AlreadyRunning while it is being prepared (which could reserve
    codes afterwards).
    """
    _require_reason(wave, reason)
    if wave.state == WaveState.COMPLETED:
        return _move_queue(wave, Queue.CANCELLED, by=by, reason=reason)
    with exclusive(f"wave {wave.name}", wait=False) as alone:
        require_alone(alone, wave.name)
        _cancel(wave, by=by, reason=reason)
        status_files.put_right_if_reachable(wave)
        config_files.put_right_if_reachable(wave)
    wave.refresh_from_db()
    return wave


@retried
@transaction.atomic
def _cancel(wave: Wave, *, by: User, reason: str) -> None:
    lock_wave(wave.pk)
    wave.refresh_from_db()
    _drop_retries(wave)
    kept = codes_kept(wave.pk)
    move(wave, WaveState.CANCELLED, by=by, reason=reason, codes_kept=kept, **WITHDRAWN)
    reservations.release(wave)


def pause(wave: Wave, *, by: User, reason: str) -> Wave:
    """TRIGGERED → PAUSED, or what a completed wave still has to send waits: no request starts any
    more. [N-6] A wave that waits for the receipts of its soft start stays paused. [N-9]
    """
    _require_reason(wave, reason)
    if progress.keep_paused(wave, by=by, reason=reason):
        wave.refresh_from_db()
        return wave
    if wave.state == WaveState.COMPLETED:
        return _move_queue(wave, Queue.PAUSED, by=by, reason=reason)
    move(wave, WaveState.PAUSED, by=by, reason=reason)
    return wave


@retried
@transaction.atomic
def resume(wave: Wave, *, by: User, reason: str) -> Wave:
    """PAUSED → TRIGGERED, or what a completed wave still has to send is sent; the caller wakes the
    senders. [N-6] The fans behind a soft start that waits for receipts are notified. [N-9]
    """
    _require_reason(wave, reason)
    if wave.state == WaveState.COMPLETED:
        return _move_queue(wave, Queue.RUNNING, by=by, reason=reason)
    move(wave, WaveState.TRIGGERED, by=by, reason=reason)
    progress.pass_by_hand(wave.pk)
    return wave


@retried
@transaction.atomic
def _move_queue(wave: Wave, queue: Queue, *, by: User, reason: str) -> Wave:
    """Raises WrongState where the queue cannot become so, or nothing is left to send; WrongStatus
    unless the campaign is open. [N-6, C-2]
    """
    locked = lock_wave(wave.pk)
    require_open(locked.campaign)
    require_state(locked, WaveState.COMPLETED)
    if locked.queue not in QUEUE_BEFORE[queue]:
        raise WrongState(f"Wave {wave.name} is completed, and what it has left is {locked.queue}.")
    if not results.has_left(locked):
        raise WrongState(f"Wave {wave.name} is completed, and has no message left to send.")
    Wave.objects.filter(pk=locked.pk).update(queue=queue)
    record_move(subject_of(locked), locked.state, QUEUE_WORDS[queue], by=by, reason=reason)
    wave.refresh_from_db()
    return wave


def _require_reason(wave: Wave, reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing(f"Wave {wave.name}: a reason is required.")
