"""The code service's codes as rows: reserved for a market's fans, given back. [K-4, K-5, W-9]

A batch is written down before it is asked for, so whoever repeats it, after a crash between answer
and commit too, asks for the same under the same key and gets the same codes. What the service must
be told, that codes are assigned or come back, stands in the rows (`confirmed_at` is empty) and is
told from them: a service that is away never keeps a wave from being cancelled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.models import Market
from operations.database.retries import retried
from operations.database.statements import rows, run
from operations.plurals import plural
from waves.choices import CodeCall, CodeState, WaveState
from waves.codes import partner_calls, partner_service
from waves.codes.partner_service import MOST_AT_ONCE, CodeService
from waves.errors import BadServiceAnswer, CodeServiceAway, CodeServiceError
from waves.models import CODE_SERVICE, Code, CodeServiceCall, Wave
from waves.naming import code_validity

logger = logging.getLogger(__name__)

Fence = Callable[[], object]
PREPARING: Final = (WaveState.CONFIGURED, WaveState.CODE_GENERATED, WaveState.FAILED)

_GIVEN = """
FROM unnest(%(codes)s::text[], %(fans)s::text[], %(markets)s::bigint[]) AS given (code, fan, market)
"""
# One that the service had back, and gives again.
_TAKE_AGAIN = f"""
UPDATE waves_code SET state = 'reserved', campaign_id = %(campaign)s, code = given.code,
    wave_id = %(wave)s, global_user_id = given.fan, market_id = given.market,
    begins_at = %(begins)s, ends_at = %(ends)s, reserved_at = %(now)s, confirmed_at = NULL
{_GIVEN}
WHERE upper(waves_code.code) = upper(given.code) AND state = 'released'
    AND confirmed_at IS NOT NULL
RETURNING global_user_id
"""  # noqa: S608 of texts that stand here
_TAKE = f"""
INSERT INTO waves_code (campaign_id, code, source, origin, state, wave_id, global_user_id,
    market_id, begins_at, ends_at, created_at, reserved_at)
SELECT %(campaign)s, code, 'partner', %(origin)s, 'reserved', %(wave)s, fan, market, %(begins)s,
    %(ends)s, %(now)s, %(now)s
{_GIVEN} ORDER BY upper(code)
ON CONFLICT DO NOTHING
RETURNING global_user_id
"""
# Codes that the service holds for us and nobody gets; what is somebody's stays theirs.
_GIVE_BACK = """
INSERT INTO waves_code (campaign_id, code, source, origin, state, global_user_id, created_at)
SELECT DISTINCT ON (upper(code)) %(campaign)s, code, 'partner', %(origin)s, 'released', '', %(now)s
FROM unnest(%(codes)s::text[]) AS given (code) ORDER BY upper(code)
ON CONFLICT DO NOTHING
"""
_COMING_BACK = """
SELECT count(*) FROM waves_code WHERE state = 'released' AND confirmed_at IS NULL
    AND upper(code) = ANY(%(codes)s)
"""


def reserve(
    wave: Wave,
    market: Market,
    fans: Sequence[str],
    *,
    service: CodeService,
    now: datetime,
    fence: Fence,
) -> int:
    """Reserve codes for the fans of one market, the first ones first, in batches; how many fans got
    one: fewer where the service has no more. Batches that were asked for earlier come first.

    Raises CodeServiceError, after what could be used is committed; LeaseLost by `fence`.
    """
    batches = _Batches(wave, market, service, now, fence)
    waiting = list(fans)
    for call in list(partner_calls.unanswered(wave, CodeCall.RESERVE, market)):
        waiting = batches.answered(call, waiting)
    while waiting:
        call = batches.noted(min(len(waiting), MOST_AT_ONCE))
        left = batches.answered(call, waiting)
        is_short = len(waiting) - len(left) < call.quantity
        waiting = left
        if is_short:
            break
    return len(fans) - len(waiting)


def bind(
    wave: Wave, codes: Sequence[str], fans: Sequence[str], markets: Sequence[int], *, now: datetime
) -> set[str]:
    """Reserve each code of the service for the fan at its place, in the caller's transaction; the
    fans for whom that worked. The constraint judges whether a code is somebody's already. [K-1]
    """
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    given = {"codes": list(codes), "fans": list(fans), "markets": list(markets)}
    common = {"campaign": wave.campaign_id, "wave": wave.pk, "now": now} | given
    taken_again = rows(_TAKE_AGAIN, begins=begins, ends=ends, **common)
    taken = rows(_TAKE, begins=begins, ends=ends, origin=CODE_SERVICE, **common)
    return {fan for (fan,) in (*taken_again, *taken)}


def state_at_service(code: Code) -> str | None:
    """What the code service says about one of its codes now; None where it has nothing to say: the
    code is not its own, none is set, or it does not answer. [X-10]
    """
    service = partner_service.chosen()
    if service is None or code.origin != CODE_SERVICE:
        return None
    try:
        found = service.states(codes=[code.code], asked_at=timezone.now().isoformat())
    except CodeServiceError as error:
        logger.warning("code not looked up", extra={"why": str(error)})
        return None
    return found.get(code.code, "unknown")


def give_back_codes() -> int:
    """Scheduled for each minute: tell the service which codes come back to it; how many it was
    told. Codes of batches whose answer never arrived, and whose wave needs them no more, come back
    too. What it refuses keeps no other from being told: the first refusal is raised at the end, as
    CodeServiceError.
    """
    service, told, refused = partner_service.chosen(), 0, list[CodeServiceError]()
    if service is None:
        return 0
    acts = chain(
        (partial(_settle, service, call) for call in _unneeded_calls()),
        (partial(_release, service, batch) for batch in _coming_back()),
    )
    for act in acts:
        try:
            told += act()
        except CodeServiceAway as error:  # the next minute asks again
            logger.warning("codes wait to be given back", extra={"why": str(error)})
            break
        except CodeServiceError as error:
            refused.append(error)
    if refused:
        raise refused[0]
    return told


@dataclass(frozen=True)
class _Batches:
    """The reservations for one market of a wave."""

    wave: Wave
    market: Market
    service: CodeService
    now: datetime
    fence: Fence

    @retried
    @transaction.atomic
    def noted(self, quantity: int) -> CodeServiceCall:
        """A new batch, before it is asked for."""
        self.fence()
        return partner_calls.noted(
            self.wave, CodeCall.RESERVE, quantity, now=self.now, market=self.market
        )

    def answered(self, call: CodeServiceCall, waiting: Sequence[str]) -> list[str]:
        """Ask, and bind what came to the first who wait; who waits still. Raises BadServiceAnswer
        where codes came that exist already, after the others are bound.
        """
        codes = self._asked(call)
        served, double = self._bound(call, codes, waiting[: len(codes)])
        if double:
            raise BadServiceAnswer(
                f"Wave {self.wave.name}, market {self.market.market_id}: the code service could not"
                f" reserve {plural(call.quantity, 'code')} ({plural(double, 'code')} that"
                " Fairwave has already)."
            )
        return [fan for fan in waiting if fan not in served]

    def _asked(self, call: CodeServiceCall) -> list[str]:
        try:
            return self.service.reserve(
                wave=self.wave.name,
                market_id=self.market.market_id,
                number=call.number,
                quantity=call.quantity,
            )
        except BadServiceAnswer as error:
            # the next attempt asks anew: a repeat would get the same answer
            self._refused(call, error.codes)
            raise

    @retried
    @transaction.atomic
    def _refused(self, call: CodeServiceCall, codes: Sequence[str]) -> None:
        self.fence()
        _give_back(self.wave, codes, now=self.now)
        partner_calls.mark_answered(call, valid=0, now=self.now)

    @retried
    @transaction.atomic
    def _bound(
        self, call: CodeServiceCall, codes: list[str], fans: Sequence[str]
    ) -> tuple[set[str], int]:
        """The fans who have one of the codes now, and how many codes are somebody's already. More
        codes than fans come back to the service; so do those that are on their way back to it.
        """
        self.fence()
        count = len(fans)
        served = bind(self.wave, codes[:count], fans, [self.market.pk] * count, now=self.now)
        _give_back(self.wave, codes[count:], now=self.now)
        partner_calls.mark_answered(call, valid=len(served), now=self.now)
        if len(served) == count:
            return served, 0
        [(coming_back,)] = rows(_COMING_BACK, codes=[code.upper() for code in codes[:count]])
        return served, count - len(served) - coming_back


def _give_back(wave: Wave, codes: Sequence[str], *, now: datetime) -> None:
    if codes:
        values = {"codes": list(codes), "campaign": wave.campaign_id, "now": now}
        run(_GIVE_BACK, origin=CODE_SERVICE, **values)


def give_back_generated(
    call: CodeServiceCall, pairs: Sequence[tuple[str, str]], *, fence: Fence = lambda: None
) -> None:
    """Ask once more for the codes of these fans, who need none, and note that they come back:
    their first answers may not have been kept. `pairs`: of the call. Raises what
    `partner_service.generate_many` raises.
    """
    if not pairs:
        return
    for outcomes in partner_service.generate_many(pairs, wave=call.wave.name, number=call.number):
        codes = [outcome.code for outcome in outcomes if outcome.code]
        _note_back(call.wave, codes, fence)


@retried
@transaction.atomic
def _note_back(wave: Wave, codes: Sequence[str], fence: Fence) -> None:
    fence()
    _give_back(wave, codes, now=timezone.now())


def _unneeded_calls() -> QuerySet[CodeServiceCall]:
    """Codes that were asked for without an answer, of waves that are not prepared any more: what
    the service holds for them nobody knows.
    """
    asking = (CodeCall.RESERVE, CodeCall.GENERATE)
    unanswered = CodeServiceCall.objects.filter(action__in=asking, answered_at=None)
    return unanswered.exclude(wave__state__in=PREPARING).select_related("wave", "market")


def _release(service: CodeService, batch: Sequence[tuple[int, str]]) -> int:
    service.release(codes=[code for _, code in batch], purpose=timezone.now().isoformat())
    back = Code.objects.filter(pk__in=[pk for pk, _ in batch], state=CodeState.RELEASED)
    return back.filter(confirmed_at=None).update(confirmed_at=timezone.now())


def _settle(service: CodeService, call: CodeServiceCall) -> int:
    """None of its codes is told to be free yet: they are among those that come back."""
    codes: Sequence[str] = ()
    try:
        if call.market is None:
            give_back_generated(call, [(fan, market_id) for fan, market_id in call.pairs])
        else:
            codes = service.reserve(
                wave=call.wave.name,
                market_id=call.market.market_id,
                number=call.number,
                quantity=call.quantity,
            )
    except BadServiceAnswer as error:
        codes = error.codes
    with transaction.atomic():
        _give_back(call.wave, codes, now=timezone.now())
        partner_calls.mark_answered(call, valid=0, now=timezone.now())
    return 0


def _coming_back() -> Iterator[list[tuple[int, str]]]:
    """Keys and codes that the service does not know to be free, in batches."""
    codes = Code.objects.filter(state=CodeState.RELEASED, confirmed_at=None).order_by("pk")
    last = 0
    while batch := list(codes.filter(pk__gt=last).values_list("pk", "code")[:MOST_AT_ONCE]):
        yield batch
        last = batch[-1][0]
