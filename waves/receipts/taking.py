"""What providers posted is written to the messages, passed on and counted. [N-3, N-4, N-8]"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction

from operations.database.retries import retried
from waves.choices import Channel, ReceiptResult
from waves.models import Send
from waves.providers import registry
from waves.providers.outcomes import Event, Ignored, InboundText, Receipt
from waves.receipts import objections
from waves.receipts.rules import Standing, judged

APPLY = """
UPDATE waves_send s
SET state = v.state, reason = v.reason, settled_at = now(), sent_at = coalesce(s.sent_at, now()),
    lease_until = NULL, claim = NULL,
    provider_id = CASE WHEN s.provider_id = '' THEN v.provider_id ELSE s.provider_id END
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(provider_ids)s::text[])
    AS v (id, state, reason, provider_id)
WHERE s.id = v.id
"""
COUNT = """
INSERT INTO waves_receiptcount (provider, day, result, number)
SELECT %(provider)s, (now() AT TIME ZONE 'UTC')::date, v.result, v.number
FROM unnest(%(results)s::text[], %(numbers)s::bigint[]) AS v (result, number)
ORDER BY v.result
ON CONFLICT (provider, day, result)
    DO UPDATE SET number = waves_receiptcount.number + excluded.number
"""


class Taken(NamedTuple):
    """What became of one event: the reference that it named, and why it was refused."""

    reference: str
    result: ReceiptResult
    error: str = ""

    def as_json(self) -> dict[str, str]:
        told = {"reference": self.reference, "result": self.result.value}
        return told | ({"error": self.error} if self.error else {})


@retried
@transaction.atomic
def take(provider: str, events: Sequence[Event]) -> list[Taken]:
    """Write receipts to their messages, pass objections and texts on, and count what had no effect.
    Returns what became of each, in their order.
    """
    channel = registry.channel_of(provider)
    receipts = [event for event in events if isinstance(event, Receipt)]
    rows = _locked([receipt.key for receipt in receipts], channel)
    before = {key: standing for key, (_, standing) in rows.items()}
    taken, after = _judged(events, before)
    _apply(rows, receipts, after)
    objections.note(
        provider,
        [
            (rows[receipt.key][0], receipt.objection)
            for receipt in receipts
            if receipt.objection and receipt.key in rows
        ],
        [event for event in events if isinstance(event, InboundText)],
    )
    count(provider, Counter(each.result for each in taken))
    return taken


def _locked(keys: Sequence[uuid.UUID], channel: Channel) -> dict[uuid.UUID, tuple[int, Standing]]:
    """The messages of these keys, locked in the order of their own, as senders lock them."""
    if not keys:
        return {}
    found = Send.objects.filter(key__in=keys, channel=channel).order_by("pk")
    locked = found.select_for_update(no_key=True).values_list(
        "key", "pk", "state", "reason", "attempts"
    )
    return {
        key: (pk, Standing(state, reason, attempts)) for key, pk, state, reason, attempts in locked
    }


def _judged(
    events: Sequence[Event], before: Mapping[uuid.UUID, Standing]
) -> tuple[list[Taken], dict[uuid.UUID, Standing]]:
    """What becomes of each event, one after the other, and of the messages that change."""
    taken, after = [], dict[uuid.UUID, Standing]()
    for event in events:
        if isinstance(event, Receipt):
            standing = after.get(event.key) or before.get(event.key)
            result, changed = judged(standing, event)
            if result == ReceiptResult.APPLIED and changed:
                after[event.key] = changed
            taken.append(Taken(str(event.key), result))
        elif isinstance(event, InboundText):
            taken.append(Taken(event.provider_id, ReceiptResult.TEXT_RECEIVED))
        elif isinstance(event, Ignored):
            taken.append(Taken(event.reference, ReceiptResult.IGNORED))
        else:
            taken.append(Taken(event.reference, ReceiptResult.REFUSED, event.why))
    return taken, after


def _apply(
    rows: Mapping[uuid.UUID, tuple[int, Standing]],
    receipts: Sequence[Receipt],
    after: Mapping[uuid.UUID, Standing],
) -> None:
    if not after:
        return
    provider_ids = {receipt.key: receipt.provider_id for receipt in receipts}
    values: dict[str, Any] = {
        "ids": [rows[key][0] for key in after],
        "states": [standing.state for standing in after.values()],
        "reasons": [standing.reason[:60] for standing in after.values()],
        "provider_ids": [provider_ids[key] for key in after],
    }
    with connection.cursor() as cursor:
        cursor.execute(APPLY, values)


def count(provider: str, results: Mapping[ReceiptResult, int]) -> None:
    """Add to the day's counts; what was applied is counted from its messages."""
    counted = {
        result.value: number
        for result, number in results.items()
        if result != ReceiptResult.APPLIED
    }
    if counted:
        values: dict[str, Any] = {"provider": provider, "results": list(counted)}
        values |= {"numbers": list(counted.values())}
        with connection.cursor() as cursor:
            cursor.execute(COUNT, values)
