"""What providers posted is written to the messages, passed on and counted. [N-3, N-4, N-8]"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Model

from operations.database.retries import retried
from waves.choices import Channel, ReceiptResult
from waves.models import Resend, Send, TrialMessage
from waves.providers import registry
from waves.providers.outcomes import Event, Ignored, InboundText, Receipt
from waves.receipts import counts, memory, objections
from waves.receipts.rules import Standing, judged

# a wave's messages, and those that support sent again
SENT: Final = (Send, Resend)
APPLY = """
UPDATE {table} s
SET state = v.state, reason = v.reason, settled_at = now(), sent_at = coalesce(s.sent_at, now()),
    lease_until = NULL, claim = NULL,
    provider_id = CASE WHEN s.provider_id = '' THEN v.provider_id ELSE s.provider_id END
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(provider_ids)s::text[])
    AS v (id, state, reason, provider_id)
WHERE s.id = v.id
"""


class Found(NamedTuple):
    """The message of a receipt: one of SENT, or a test message."""

    model: type[Model]
    pk: int
    standing: Standing

    @property
    def is_trial(self) -> bool:
        return self.model is TrialMessage


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
    """Write receipts to their messages, pass on the objections and texts that never came before,
    and count what had no effect. Returns what became of each, in their order.
    """
    receipts = [event for event in events if isinstance(event, Receipt)]
    found = _found({receipt.key for receipt in receipts}, registry.channel_of(provider))
    objected = [
        receipt
        for receipt in receipts
        if receipt.objection and receipt.key in found and not found[receipt.key].is_trial
    ]
    texts = [event.provider_id for event in events if isinstance(event, InboundText)]
    named = [name for name in texts if name] + [_objection(receipt) for receipt in objected]
    new = memory.remember(provider, named)
    standings = {key: each.standing for key, each in found.items()}
    taken, after = _judged(events, standings, new)
    provider_ids = {receipt.key: receipt.provider_id for receipt in receipts}
    changed = [(found[key], standing, provider_ids[key]) for key, standing in after.items()]
    for model in SENT:
        _apply(model, [each for each in changed if each[0].model is model])
    _apply_to_trials([each for each in changed if each[0].is_trial])
    objections.note(
        provider,
        [
            (receipt.key, receipt.objection)
            for receipt in objected
            if receipt.objection and _objection(receipt) in new
        ],
        [
            event
            for event, each in zip(events, taken, strict=True)
            if isinstance(event, InboundText) and each.result == ReceiptResult.TEXT_RECEIVED
        ],
    )
    counts.add(provider, Counter(each.result for each in taken))
    return taken


def _found(keys: Set[uuid.UUID], channel: Channel) -> dict[uuid.UUID, Found]:
    """The messages of these keys, locked in the order of their own, as senders lock them."""
    found = dict[uuid.UUID, Found]()
    columns = ("key", "pk", "state", "reason", "attempts")
    for model in SENT:
        if missing := keys - found.keys():
            sent = model._default_manager.filter(key__in=missing, channel=channel).order_by("pk")
            locked = sent.select_for_update(no_key=True)
            for key, pk, state, reason, attempts in locked.values_list(*columns):
                found[key] = Found(model, pk, Standing(state, reason, attempts))
    if missing := keys - found.keys():
        trials = TrialMessage.objects.filter(key__in=missing, channel=channel).order_by("pk")
        for row in trials.select_for_update(no_key=True):
            standing = Standing(row.state, row.reason, attempts=1)
            found[row.key] = Found(TrialMessage, row.pk, standing)
    return found


def _objection(receipt: Receipt) -> str:
    return f"{receipt.key} {receipt.objection}"


def _judged(
    events: Sequence[Event], before: Mapping[uuid.UUID, Standing], new: Set[str]
) -> tuple[list[Taken], dict[uuid.UUID, Standing]]:
    """What becomes of each event, one after the other, and of the messages that change; `new`: the
    ids of texts that never came before.
    """
    taken, after, seen = [], dict[uuid.UUID, Standing](), set[str]()
    for event in events:
        if isinstance(event, Receipt):
            standing = after.get(event.key) or before.get(event.key)
            result, changed = judged(standing, event)
            if result == ReceiptResult.APPLIED and changed:
                after[event.key] = changed
            taken.append(Taken(str(event.key), result))
        elif isinstance(event, InboundText):
            name = event.provider_id
            is_new = not name or name in new - seen  # without an id it may be another one
            result = ReceiptResult.TEXT_RECEIVED if is_new else ReceiptResult.REPEATED
            taken.append(Taken(name, result))
            seen.add(name)
        elif isinstance(event, Ignored):
            taken.append(Taken(event.reference, ReceiptResult.IGNORED))
        else:
            taken.append(Taken(event.reference, ReceiptResult.REFUSED, event.why))
    return taken, after


def _apply(model: type[Model], changed: Sequence[tuple[Found, Standing, str]]) -> None:
    if not changed:
        return
    values: dict[str, Any] = {
        "ids": [found.pk for found, _, _ in changed],
        "states": [standing.state for _, standing, _ in changed],
        "reasons": [standing.reason[:60] for _, standing, _ in changed],
        "provider_ids": [provider_id for _, _, provider_id in changed],
    }
    with connection.cursor() as cursor:
        cursor.execute(APPLY.format(table=model._meta.db_table), values)


def _apply_to_trials(changed: Sequence[tuple[Found, Standing, str]]) -> None:
    for found, standing, provider_id in changed:
        TrialMessage.objects.filter(pk=found.pk).update(
            state=standing.state, reason=standing.reason[:60], provider_id=provider_id
        )
