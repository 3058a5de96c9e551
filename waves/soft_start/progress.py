"""A soft start from its first message to its end. Its state is a row, which is changed under the
locks of campaign and wave: killed workers, doubled tasks and resumed waves find it as it is. [N-9]
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from campaigns.choices import CampaignStatus
from operations.alerts import alert
from operations.database.retries import retried
from operations.database.statements import first_row, run
from operations.errors import Refusal, error_text
from operations.jobs import record_move
from waves.choices import SendState, SoftStartState, WaveState
from waves.lifecycle import move_locked, subject_of
from waves.locks import lock_wave
from waves.models import Send, SoftStart, Wave
from waves.providers import registry
from waves.soft_start import rules
from waves.soft_start.rules import Receipts, Verdict

logger = logging.getLogger(__name__)

OPEN = (SendState.PENDING, SendState.SENDING)
WAITING = (SoftStartState.WAITING, SoftStartState.BY_HAND)
# Messages are made in the order of their members: none of another member lies between the first.
_BEGIN = """
INSERT INTO waves_softstart (wave_id, fans, first_send, last_send, state, alerted)
SELECT %(wave)s, %(fans)s, min(s.id), max(s.id), 'first', ''
FROM (SELECT id FROM waves_member WHERE wave_id = %(wave)s ORDER BY id LIMIT %(fans)s) AS first
JOIN waves_send s ON s.member_id = first.id
HAVING EXISTS (SELECT FROM waves_member WHERE wave_id = %(wave)s ORDER BY id OFFSET %(fans)s)
ON CONFLICT (wave_id) DO NOTHING
"""
# OFFSET 0 keeps the planner to the primary key: it cannot know that the range is short.
_RECEIPTS = """
SELECT count(*) FILTER (WHERE state IN ('sent', 'delivered', 'undeliverable')),
    count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state = 'undeliverable')
FROM (
    SELECT wave_id, state, provider FROM waves_send
    WHERE id BETWEEN %(first)s AND %(last)s OFFSET 0) AS message
WHERE wave_id = %(wave)s AND provider = ANY(%(providers)s)
"""
_WAITED = """
SELECT now() - waiting_since FROM waves_softstart WHERE wave_id = %(wave)s
"""


class Standing(NamedTuple):
    """A soft start that is not over, and what the receipts say of it."""

    row: SoftStart
    found: Receipts
    verdict: Verdict

    @property
    def sentences(self) -> str:
        return rules.sentences(self.row.state, self.row.fans, self.found, self.verdict)


def begin(wave: Wave) -> None:
    """Where the approved content names a soft start, and the wave has more fans than that. Call it
    in the transaction that makes the messages.
    """
    if fans := wave.content.get("soft_start", 0):
        run(_BEGIN, wave=wave.pk, fans=fans)


def last_send(wave_id: int) -> int | None:
    """The last message (id) that may be sent now; None: all of them. A wave's messages are asked
    for after they are made.
    """
    found = SoftStart.objects.filter(wave=wave_id).exclude(state=SoftStartState.PASSED)
    return found.values_list("last_send", flat=True).first()


def is_open(wave_id: int) -> bool:
    """Whether fans behind the first ones still wait."""
    return last_send(wave_id) is not None


@retried
@transaction.atomic
def end_first(wave_id: int) -> bool:
    """TRIGGERED → PAUSED, once none of the first messages is pending or in flight on any channel.
    True if this call did it.
    """
    if not SoftStart.objects.filter(wave=wave_id, state=SoftStartState.FIRST).exists():
        return False
    wave = lock_wave(wave_id)
    row = SoftStart.objects.select_for_update().get(wave=wave_id)
    if wave.state != WaveState.TRIGGERED or row.state != SoftStartState.FIRST:
        return False
    first = Send.objects.filter(wave=wave_id, pk__range=(row.first_send, row.last_send))
    if first.filter(state__in=OPEN).exists():
        return False
    reason = f"soft start: messages to the first {row.fans:,} were sent; waiting for receipts"
    move_locked(wave, WaveState.PAUSED, by=None, reason=reason)
    _set(wave_id, state=SoftStartState.WAITING, waiting_since=Now())
    return True


@retried
@transaction.atomic
def judge(wave_id: int) -> Verdict | None:
    """PAUSED → TRIGGERED once enough of the first messages are delivered; the caller wakes the
    senders. Where a person has to decide, Slack is told once. None where nothing waits for
    receipts.
    """
    wave = lock_wave(wave_id)
    row = SoftStart.objects.select_for_update().get(wave=wave_id)
    if wave.state != WaveState.PAUSED or row.state != SoftStartState.WAITING:
        return None
    found, verdict = _receipts(row)
    if verdict == Verdict.GOES_ON:
        move_locked(wave, WaveState.TRIGGERED, by=None, reason=f"soft start: {found.words}")
        _set(wave_id, state=SoftStartState.PASSED)
    elif (needed := rules.why(verdict, found)) and row.alerted != verdict:
        _set(wave_id, alerted=verdict)
        alert(
            f":warning: Wave {wave.name} is paused after its soft start, and a person has to"
            f" decide. {needed} Resume the wave to notify the other fans, or cancel it."
        )
    return verdict


def look_after() -> None:
    """Each minute: what workers that were killed left undone, and receipts that came since. What
    one wave refuses holds up no other.
    """
    waves = SoftStart.objects.filter(wave__campaign__status=CampaignStatus.OPEN)
    states = (SoftStartState.FIRST, SoftStartState.WAITING)
    found = waves.filter(state__in=states, wave__state__in=(WaveState.TRIGGERED, WaveState.PAUSED))
    for wave_id in found.order_by("pk").values_list("pk", flat=True):
        try:
            end_first(wave_id)
            judge(wave_id)
        except Refusal as refusal:
            why = error_text(refusal)
            logger.warning("soft start left alone", extra={"wave": wave_id, "why": why})


def pass_by_hand(wave_id: int) -> None:
    """A person resumes the wave, so all others are notified. Call it in that transaction."""
    SoftStart.objects.filter(wave=wave_id, state__in=WAITING).update(state=SoftStartState.PASSED)


@retried
@transaction.atomic
def keep_paused(wave: Wave, *, by: User, reason: str) -> bool:
    """A person keeps a wave paused that waits for receipts: only a person resumes it then. False
    where it does not wait for any.
    """
    locked = lock_wave(wave.pk)
    waits = SoftStart.objects.filter(wave=wave.pk, state=SoftStartState.WAITING)
    if locked.state != WaveState.PAUSED or not waits.update(state=SoftStartState.BY_HAND):
        return False
    record_move(subject_of(locked), locked.state, "stays paused", by=by, reason=reason)
    return True


def standing(wave: Wave) -> Standing | None:
    """How the soft start of a wave is going, for its page; None where there is none, or no more."""
    row = SoftStart.objects.filter(wave=wave.pk).exclude(state=SoftStartState.PASSED).first()
    if row is None or wave.state not in (WaveState.TRIGGERED, WaveState.PAUSED):
        return None
    return Standing(row, *_receipts(row))


def _receipts(row: SoftStart) -> tuple[Receipts, Verdict]:
    values = {"first": row.first_send, "last": row.last_send, "wave": row.wave_id}
    counted = first_row(_RECEIPTS, providers=registry.posting_receipts(), **values)
    waited = first_row(_WAITED, wave=row.wave_id)
    found = Receipts(*(counted or (0, 0, 0)))
    return found, rules.verdict(found, (waited and waited[0]) or timedelta())


def _set(wave_id: int, **values: object) -> None:
    SoftStart.objects.filter(wave=wave_id).update(**values)
