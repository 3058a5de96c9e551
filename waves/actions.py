"""What a person does to a wave by hand: reset, cancel, pause, resume. Each takes a reason and is
recorded. [W-2, W-9, N-6]
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from campaigns.opening import require_open
from operations.database.locks import exclusive
from operations.jobs import drop_retries, record_move
from waves.approval import back_to_configured
from waves.choices import WaveState
from waves.codes import pool
from waves.errors import NotPermitted, ReasonMissing
from waves.lifecycle import move, require_state, subject_of
from waves.locks import lock_wave
from waves.models import Wave
from waves.preparation.submission import JOB_KIND, require_alone


def reset(wave: Wave, *, by: User, reason: str) -> Wave:
    """A wave before SCHEDULED goes back to CONFIGURED with two new attempts: without members, its
    codes stay reserved for them. [W-9]

    Raises ReasonMissing, NotPermitted without the right to reset, WrongState, AlreadyRunning while
    it is being prepared.
    """
    require_state(
        wave, WaveState.CONFIGURED, WaveState.FAILED, WaveState.PREPARED, WaveState.APPROVED
    )
    _require_reason(wave, reason)
    if not by.has_perm("waves.reset_wave"):
        raise NotPermitted(
            f"User {by.get_username()} does not have permission to reset wave {wave.name}."
            " Ask a user who has it."
        )
    with exclusive(f"wave {wave.name}", wait=False) as alone, transaction.atomic():
        require_alone(alone, wave.name)
        drop_retries(JOB_KIND, subject_of(wave))
        if wave.state != WaveState.CONFIGURED:
            return back_to_configured(wave, by=by, reason=reason)
        require_open(lock_wave(wave.pk).campaign)
        # An attempt whose process was killed was counted, but moved nothing.
        Wave.objects.filter(pk=wave.pk, state=WaveState.CONFIGURED).update(attempts=0)
        record_move(
            subject_of(wave), WaveState.CONFIGURED, WaveState.CONFIGURED, by=by, reason=reason
        )
    wave.refresh_from_db()
    return wave


def cancel(wave: Wave, *, by: User, reason: str) -> Wave:
    """Any state before COMPLETED → CANCELLED; its fans and its unassigned codes are free again.
    [W-2, K-5]

    Raises ReasonMissing, WrongState, AlreadyRunning while it is being prepared (which could reserve
    codes afterwards).
    """
    _require_reason(wave, reason)
    with exclusive(f"wave {wave.name}", wait=False) as alone, transaction.atomic():
        require_alone(alone, wave.name)
        drop_retries(JOB_KIND, subject_of(wave))
        move(wave, WaveState.CANCELLED, by=by, reason=reason)
        pool.release(wave)
    return wave


def pause(wave: Wave, *, by: User, reason: str) -> Wave:
    """TRIGGERED → PAUSED: no request starts any more. [N-6]"""
    _require_reason(wave, reason)
    move(wave, WaveState.PAUSED, by=by, reason=reason)
    return wave


def resume(wave: Wave, *, by: User, reason: str) -> Wave:
    """PAUSED → TRIGGERED; the caller wakes the senders. [N-6]"""
    _require_reason(wave, reason)
    move(wave, WaveState.TRIGGERED, by=by, reason=reason)
    return wave


def _require_reason(wave: Wave, reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing(f"Wave {wave.name}: a reason is required.")
