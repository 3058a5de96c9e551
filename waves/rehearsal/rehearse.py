"""A rehearsal is begun, sent to the recording provider by the sender that sends waves, and kept.
[X-6]

It assigns no code, writes no record to a stream, moves no wave, and can reach no real provider: its
clients are the recorder's, whatever the settings say.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from operations.database.retries import retried
from operations.jobs import record_move
from waves.choices import Channel, RehearsalState, WaveState
from waves.lifecycle import require_state, subject_of
from waves.locks import lock_wave
from waves.messages.rendering import composer_for
from waves.models import Rehearsal, RehearsalSend, Wave
from waves.providers import registry
from waves.rehearsal.rows import REHEARSED, make_rows, result_of
from waves.sending import accounts, send_rows
from waves.sending.accounts import Limits, limits_of
from waves.sending.run import SenderSetup, Timing
from waves.sending.send_rows import Messages
from waves.sending.sender import NOTHING_TO_SEND, Ended, send_all

STATES: Final = (WaveState.PREPARED, WaveState.APPROVED, WaveState.SCHEDULED)
KEPT_FOR: Final = timedelta(days=7)


@retried
@transaction.atomic
def begin(wave: Wave, *, by: User | None) -> Rehearsal:
    """The wave's running rehearsal, or a new one of its present content. Raises WrongState."""
    locked = lock_wave(wave.pk)
    require_state(locked, *STATES)
    running = Rehearsal.objects.filter(wave=locked, state=RehearsalState.RUNNING).first()
    if running is not None and running.digest == locked.content_digest:
        return running
    if running is not None:
        stop(running, by=by)
    record_move(subject_of(locked), "", "rehearsal started", by=by)
    return Rehearsal.objects.create(wave=locked, digest=locked.content_digest, by=by)


def rehearse(
    rehearsal_id: int, *, limits: Limits | None = None, timing: Timing | None = None
) -> dict[str, Any]:
    """Send what is left of a rehearsal, in place of the messages of earlier ones; several processes
    may do so at once, and one that was killed is continued. Returns N-7's object and `wave,
    rehearsal, state, per_second, ended`.
    """
    rehearsal = Rehearsal.objects.select_related("wave__campaign").get(pk=rehearsal_id)
    wave = rehearsal.wave
    if rehearsal.state == RehearsalState.RUNNING:
        earlier = Rehearsal.objects.filter(wave=wave, pk__lt=rehearsal.pk)
        RehearsalSend.objects.filter(rehearsal__in=earlier).delete()
        make_rows(rehearsal)
        ended = _send(rehearsal, Channel.SMS, limits, timing)
        if not ended.why:
            why = _send(rehearsal, Channel.EMAIL, limits, timing).why
            ended = replace(ended, why=why)
        _finish(rehearsal, ended)
    rehearsal.refresh_from_db()
    return result_of(rehearsal) | {
        "wave": wave.name,
        "rehearsal": rehearsal.pk,
        "state": rehearsal.state,
        "per_second": rehearsal.per_second,
        "ended": rehearsal.ended,
    }


def why_stopped(rehearsal: Rehearsal) -> str:
    """Why a rehearsal goes no further; empty while it may."""
    state = Rehearsal.objects.values_list("state", flat=True).get(pk=rehearsal.pk)
    if state != RehearsalState.RUNNING:
        return "the rehearsal was stopped"
    wave, digest = Wave.objects.values_list("state", "content_digest").get(pk=rehearsal.wave_id)
    if wave not in STATES:
        return f"the wave is {wave}"
    return "" if digest == rehearsal.digest else "the wave's content changed"


def stop(rehearsal: Rehearsal, *, by: User | None) -> bool:
    """No message of it starts after a moment. False where it was over. [N-6]"""
    why = f"stopped by {by.get_username()}" if by else "stopped"
    running = Rehearsal.objects.filter(pk=rehearsal.pk, state=RehearsalState.RUNNING)
    return bool(
        running.update(
            state=RehearsalState.STOPPED, ended=why, finished_at=Now(), **result_of(rehearsal)
        )
    )


def forget_old() -> int:
    """The messages of rehearsals that were over KEPT_FOR ago; their results stay. Returns how many
    went.
    """
    old = Rehearsal.objects.filter(finished_at__lt=Now() - KEPT_FOR)
    return RehearsalSend.objects.filter(rehearsal__in=old).delete()[0]


def _send(
    rehearsal: Rehearsal, channel: Channel, limits: Limits | None, timing: Timing | None
) -> Ended:
    """Of one channel, by the sender and at the pace of the real messages."""
    messages = Messages(rehearsal.pk, channel, REHEARSED, provider=registry.RECORDER.name)
    if not send_rows.open_rows(messages).all:
        return NOTHING_TO_SEND
    provider = registry.recorder(channel)
    accounts.account(provider.name)
    setup = SenderSetup(
        rehearsal.wave,
        messages,
        provider,
        limits or limits_of(channel),
        timing or Timing(),
        stops=lambda wave: why_stopped(rehearsal),
    )
    return send_all(setup, composer_for(rehearsal.wave))


@retried
@transaction.atomic
def _finish(rehearsal: Rehearsal, ended: Ended) -> None:
    """Keep the result; one that was stopped meanwhile stays so, with what is recorded by now."""
    locked = Rehearsal.objects.select_for_update().get(pk=rehearsal.pk)
    counts = result_of(rehearsal)
    if locked.state == RehearsalState.DONE or (counts["pending"] and not ended.why):
        return  # another process sees to it
    if counts["total"] < locked.total:
        return  # the messages are gone for those of a later one
    values: dict[str, Any] = {"finished_at": Now(), **counts}
    if ended.seconds:
        values["per_second"] = ended.per_second
    if locked.state == RehearsalState.RUNNING:
        state = RehearsalState.STOPPED if ended.why else RehearsalState.DONE
        values |= {"state": state, "ended": ended.why[:300]}
    Rehearsal.objects.filter(pk=rehearsal.pk).update(**values)
