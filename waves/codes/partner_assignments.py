"""At trigger: the code service is told whose its codes are, in batches, and nothing is published or
sent before it has confirmed all of them. [K-4, W-11]

The codes are assigned in the rows first (`assignments.py`). What the service has not confirmed is
found there and told, under the same key as before where a batch got no answer, so a repeat changes
nothing. It is told by whoever sends the wave, never by the scheduler: other waves are due too.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from operations.database.locks import exclusive
from operations.database.retries import retried
from operations.database.statements import first_row, rows
from waves.choices import CodeCall, WaveState
from waves.codes import partner_calls, partner_service
from waves.codes.partner_answers import AssignedThere
from waves.codes.partner_service import MOST_AT_ONCE, CodeService
from waves.errors import BadServiceAnswer, CodeServiceError, CodesNotAssigned
from waves.holds import sources_of_codes
from waves.lifecycle import require_state
from waves.models import CODE_SERVICE, Code, CodeServiceCall, Wave

logger = logging.getLogger(__name__)

# Those of members who come back have another wave's name. [W-6]
_OF_THE_WAVE: Final = """
FROM waves_code AS code WHERE code.wave_id = ANY(%(sources)s) AND code.origin = %(origin)s
    AND code.state IN ('assigned', 'published') AND EXISTS (
        SELECT 1 FROM waves_member AS member WHERE member.wave_id = %(wave)s
        AND member.global_user_id = code.global_user_id)
"""
_UNCONFIRMED: Final = f"""
SELECT code.id, code.code, code.global_user_id {_OF_THE_WAVE} AND code.confirmed_at IS NULL
    AND code.id > %(after)s
ORDER BY code.id LIMIT %(limit)s
"""
_COUNTS: Final = f"SELECT count(*), count(code.confirmed_at) {_OF_THE_WAVE}"


@dataclass(frozen=True)
class PartnerCounts:
    """What the code service was asked for a wave and what it said. `asked`, `valid` and `updated`:
    codes that were to be assigned, that it confirmed, and that were not assigned before.
    `unanswered`: reservations whose answer never came.
    """

    reserved: int
    reservations: int
    unanswered: int
    asked: int
    valid: int
    updated: int


def is_waiting(wave: Wave) -> bool:
    """Whether the code service has still to confirm a code of the wave's members."""
    return bool(_unconfirmed(wave, after=0, limit=1))


def confirm(wave: Wave, *, now: datetime) -> int:
    """Have the service confirm every code of the wave's members; how many it confirmed now.

    Raises CodeServiceAway (nothing is lost, ask again), CodeServiceError, CodesNotAssigned where it
    confirms fewer than were asked, WrongState when the wave is cancelled meanwhile.
    """
    confirmed, last = 0, 0
    with exclusive(f"codes of wave {wave.name}"):
        while batch := _unconfirmed(wave, after=last, limit=MOST_AT_ONCE):
            _confirm_batch(partner_service.required(), wave, batch, now=now)
            confirmed, last = confirmed + len(batch), batch[-1][0]
    if confirmed:
        logger.info("codes confirmed", extra={"wave": wave.name, "valid": confirmed})
    return confirmed


def counts_of(wave: Wave) -> PartnerCounts | None:
    """For the wave's page; None where the code service was not asked."""
    calls = wave.code_calls.exclude(action=CodeCall.GENERATE)
    of_reservations = Q(action=CodeCall.RESERVE)
    found = calls.aggregate(
        calls=Count("pk"),
        reservations=Count("pk", filter=of_reservations),
        unanswered=Count("pk", filter=of_reservations & Q(answered_at=None)),
        reserved=Sum("valid", filter=of_reservations, default=0),
        updated=Sum("updated", filter=Q(action=CodeCall.ASSIGN), default=0),
    )
    if not found.pop("calls"):
        return None
    asked, valid = first_row(
        _COUNTS, wave=wave.pk, sources=sources_of_codes(wave), origin=CODE_SERVICE
    ) or (0, 0)
    last = calls.filter(action=CodeCall.ASSIGN, valid__isnull=False).order_by("number").last()
    # none of a batch that was not confirmed whole is marked in the rows
    short = (last.valid or 0) if last is not None and last.valid != last.quantity else 0
    return PartnerCounts(asked=asked, valid=valid + short, **found)


def _unconfirmed(wave: Wave, *, after: int, limit: int) -> list[tuple[int, str, str]]:
    """Key, code and fan."""
    sources = sources_of_codes(wave)
    values = {"wave": wave.pk, "sources": sources, "origin": CODE_SERVICE}
    return [
        (pk, code, fan) for pk, code, fan in rows(_UNCONFIRMED, after=after, limit=limit, **values)
    ]


def _confirm_batch(
    service: CodeService, wave: Wave, batch: Sequence[tuple[int, str, str]], *, now: datetime
) -> None:
    call = _noted(wave, len(batch), now=now)
    pairs = [(code, fan) for _, code, fan in batch]
    try:
        found = service.assign(wave=wave.name, number=call.number, pairs=pairs)
    except BadServiceAnswer:
        # who resumes the wave asks anew: a repeat would get the same answer
        partner_calls.mark_answered(call, now=timezone.now())
        raise
    complete = found.valid == found.asked
    _write_answer(call, found, [pk for pk, _, _ in batch] if complete else [])
    if not complete:
        raise CodesNotAssigned(
            f"Wave {wave.name}: the code service confirmed {found.valid:,} of {found.asked:,}"
            f" access codes ({found.updated:,} of them new), so nothing was sent."
            f"{_states_in_words(service, pairs)} Ask the partner, then resume the wave."
        )


@retried
@transaction.atomic
def _noted(wave: Wave, quantity: int, *, now: datetime) -> CodeServiceCall:
    """The batch that was never answered, or a new one. Raises WrongState."""
    locked = Wave.objects.select_for_update(no_key=True).get(pk=wave.pk)
    require_state(locked, WaveState.TRIGGERED, WaveState.PAUSED)
    return partner_calls.noted(wave, CodeCall.ASSIGN, quantity, now=now)


@retried
@transaction.atomic
def _write_answer(call: CodeServiceCall, found: AssignedThere, codes: list[int]) -> None:
    """What the service said, and the codes that it confirmed."""
    now = timezone.now()
    Code.objects.filter(pk__in=codes).update(confirmed_at=now)
    partner_calls.mark_answered(
        call, now=now, quantity=found.asked, valid=found.valid, updated=found.updated
    )


def _states_in_words(service: CodeService, pairs: Sequence[tuple[str, str]]) -> str:
    """What the service says about them now, if it says anything."""
    codes = [code for code, _ in pairs]
    try:
        states = service.states(codes=codes, asked_at=timezone.now().isoformat())
    except CodeServiceError:
        return ""
    found = Counter(states.get(code, "unknown") for code in codes)
    return f" At the service: {', '.join(f'{n:,} {state}' for state, n in found.most_common())}."
