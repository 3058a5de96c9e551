"""The batches that the code service is asked for, as rows: written before it is asked, so whoever
repeats one asks under the same key. [K-4, W-9]
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max, QuerySet

from campaigns.models import Market
from waves.choices import CodeCall
from waves.models import CodeServiceCall, Wave


def unanswered(
    wave: Wave, action: CodeCall, market: Market | None = None
) -> QuerySet[CodeServiceCall]:
    """Asked for by an attempt that did not get, or keep, the answer."""
    calls = CodeServiceCall.objects.filter(wave=wave, action=action, market=market)
    return calls.filter(answered_at=None).order_by("number")


def noted(
    wave: Wave,
    action: CodeCall,
    quantity: int,
    *,
    now: datetime,
    market: Market | None = None,
    pairs: Sequence[tuple[str, str]] = (),
) -> CodeServiceCall:
    """The batch that was never answered, or a new one; in the caller's transaction. `pairs`, of
    GENERATE: (global_user_id, market_id); those that the batch asked for before stay among them.
    """
    if (found := unanswered(wave, action, market).first()) is not None:
        before = {(fan, market_id) for fan, market_id in found.pairs}
        found.pairs += [list(pair) for pair in pairs if pair not in before]
        found.save(update_fields=["pairs"])
        return found
    calls = CodeServiceCall.objects.filter(wave=wave, action=action, market=market)
    last = calls.aggregate(last=Max("number"))["last"] or 0
    return CodeServiceCall.objects.create(
        wave=wave,
        action=action,
        market=market,
        number=last + 1,
        quantity=quantity,
        asked_at=now,
        pairs=pairs,
    )


def mark_answered(call: CodeServiceCall, *, now: datetime, **counts: int) -> None:
    """What came of it is in the rows of the codes; `counts` are the call's. A repeat may have been
    for more or fewer fans than were noted first: its `quantity` is then among them.
    """
    CodeServiceCall.objects.filter(pk=call.pk).update(answered_at=now, pairs=[], **counts)
