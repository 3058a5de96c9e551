"""A rehearsal is begun, sent to the recording provider by the sender that sends waves, and kept.
[X-6]

It assigns no code, writes no record to a stream, moves no wave, and can reach no real provider: its
clients are the recorder's, whatever the settings say.
"""

from __future__ import annotations

import time
import uuid
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
from waves.messages.rendering import Composer, composer_for
from waves.models import Rehearsal, RehearsalSend, Wave
from waves.providers import registry
from waves.providers.contract import EmailProvider
from waves.rehearsal.rows import REHEARSED, make_rows, result_of
from waves.sending import accounts, email_queue, send_rows
from waves.sending.accounts import Limits
from waves.sending.run import SenderSetup, Timing
from waves.sending.send_rows import Row
from waves.sending.send_wave import limits_from_settings, send_all
from waves.sending.sender import Ended

STATES: Final = (WaveState.PREPARED, WaveState.APPROVED, WaveState.SCHEDULED)
EMAIL_LEASE: Final = timedelta(seconds=60)  # nothing is on the way: a repeat sends nothing twice
WAIT_SECONDS: Final = 0.1
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
    wave, ended = rehearsal.wave, Ended("", 0, 0.0)
    if rehearsal.state == RehearsalState.RUNNING:
        provider = registry.sms_recorder()
        accounts.account(provider.name)
        earlier = Rehearsal.objects.filter(wave=wave, pk__lt=rehearsal.pk)
        RehearsalSend.objects.filter(rehearsal__in=earlier).delete()
        make_rows(rehearsal)
        composer = composer_for(wave)
        if send_rows.open_rows(rehearsal.pk, table=REHEARSED):
            setup = SenderSetup(
                wave,
                provider,
                limits or limits_from_settings(),
                timing or Timing(),
                rehearsal.pk,
                table=REHEARSED,
                stops=lambda wave: why_stopped(rehearsal),
            )
            ended = send_all(setup, composer)
        why = ended.why or _send_emails(rehearsal, composer)
        _finish(rehearsal, why, ended)
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


def _send_emails(rehearsal: Rehearsal, composer: Composer) -> str:
    """The e-mails, in batches as the e-mail queue sends them; waits for those that another process
    has. Returns why they ended early.
    """
    provider, sender, channel = registry.email_recorder(), uuid.uuid4(), Channel.EMAIL
    accounts.account(provider.name)
    while not (why := why_stopped(rehearsal)):
        rows = send_rows.claim(
            rehearsal.pk,
            sender,
            after=0,
            limit=email_queue.BATCH,
            lease=EMAIL_LEASE,
            table=REHEARSED,
            channel=channel,
        )
        if rows:
            _send_batch(provider, sender, composer, rows)
            continue
        send_rows.take_over(rehearsal.pk, honours_keys=True, table=REHEARSED, channel=channel)
        if not send_rows.open_rows(rehearsal.pk, table=REHEARSED, channel=channel):
            break
        time.sleep(WAIT_SECONDS)
    return why


def _send_batch(
    provider: EmailProvider, sender: uuid.UUID, composer: Composer, rows: list[Row]
) -> None:
    """The recorder takes every e-mail."""
    texts = [
        email_queue.text_for(composer, row.recipient, key=row.key, to=row.contact) for row in rows
    ]
    ids = [outcome.provider_id for outcome in provider.send(texts)]
    send_rows.record_sent(sender, list(zip(rows, ids, strict=True)), table=REHEARSED)


@retried
@transaction.atomic
def _finish(rehearsal: Rehearsal, why: str, ended: Ended) -> None:
    """Keep the result; one that was stopped meanwhile stays so, with what is recorded by now."""
    locked = Rehearsal.objects.select_for_update().get(pk=rehearsal.pk)
    counts = result_of(rehearsal)
    if locked.state == RehearsalState.DONE or (counts["pending"] and not why):
        return  # another process sees to it
    if counts["total"] < locked.total:
        return  # the messages are gone for those of a later one
    values: dict[str, Any] = {"finished_at": Now(), **counts}
    if ended.seconds:
        values["per_second"] = round(ended.sent / ended.seconds, 1)
    if locked.state == RehearsalState.RUNNING:
        state = RehearsalState.STOPPED if why else RehearsalState.DONE
        values |= {"state": state, "ended": why[:300]}
    Rehearsal.objects.filter(pk=rehearsal.pk).update(**values)
