"""The e-mail queue in the database: claim, send, record. [N-5]

An e-mail's row here and its `Send` row move together. E-mail backends honour no keys, so
an e-mail that may have been sent is not sent again: it becomes unknown. [N-4]
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from operations.database.retries import retried
from waves.choices import SendState, WaveState
from waves.messages.rendering import Composer, Recipient, composer_for
from waves.models import QueuedEmail, Wave
from waves.providers import registry
from waves.providers.contract import EmailProvider, EmailText
from waves.providers.outcomes import Kind
from waves.providers.reasons import reason_in_words
from waves.sending import accounts, pacing
from waves.sending.pacing import NextState

BATCH = 100
# long enough for a batch over a slow connection: an e-mail sent twice cannot be recalled
LEASE = timedelta(minutes=10)
OPEN_STATES = ("pending", "sending")

CLAIM = """
WITH picked AS (
    SELECT q.id FROM waves_queuedemail q JOIN waves_send s ON s.id = q.send_id JOIN waves_wave w
        ON w.id = s.wave_id
    WHERE q.state = 'pending' AND (q.not_before IS NULL OR q.not_before <= now())
        AND w.state IN ('triggered', 'completed')
    ORDER BY q.id LIMIT %(limit)s FOR UPDATE OF q SKIP LOCKED
), claimed AS (
    UPDATE waves_queuedemail q
    SET state = 'sending', claim = %(claim)s, lease_until = now() + %(lease)s, attempts = attempts +
        1, reason = ''
    FROM picked WHERE q.id = picked.id RETURNING q.id, q.send_id, q.attempts
)
SELECT c.id, c.attempts, s.wave_id, s.key::text, m.email, m.code, coalesce(k.market_id, ''),
    m.global_user_id, m.language
FROM claimed c JOIN waves_send s ON s.id = c.send_id JOIN waves_member m ON m.id = s.member_id
LEFT JOIN campaigns_market k ON k.id = m.market_id ORDER BY c.id
"""
# Rows of the queue first, then messages, each in the order of their keys: whoever changes several
# locks them so.
RECORD = """
WITH held AS (
    SELECT id FROM waves_queuedemail WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE
), recorded AS (
    UPDATE waves_queuedemail q
    SET state = v.state, reason = v.reason, attempts = v.tries, claim = NULL, lease_until = NULL,
        sent_at = CASE WHEN v.state = 'sent' THEN now() END,
        not_before = CASE WHEN v.state = 'pending' THEN now() + make_interval(secs => v.wait) END
    FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(tries)s::smallint[],
        %(waits)s::float8[]) AS v (id, state, reason, tries, wait) JOIN held USING (id)
    WHERE q.id = v.id AND q.claim = %(claim)s AND q.state = 'sending'
    RETURNING q.send_id, q.state, q.reason, q.sent_at, q.attempts
), locked AS (
    SELECT id FROM waves_send WHERE id IN (SELECT send_id FROM recorded) ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE waves_send s SET state = r.state, reason = r.reason, sent_at = r.sent_at, attempts =
    r.attempts
FROM recorded r JOIN locked ON locked.id = r.send_id
WHERE s.id = r.send_id AND s.state NOT IN ('delivered', 'undeliverable')
"""
TAKE_OVER = """
WITH held AS (
    SELECT id FROM waves_queuedemail WHERE state = 'sending' AND lease_until < now() ORDER BY id
    FOR NO KEY UPDATE
), lost AS (
    UPDATE waves_queuedemail q SET state = 'unknown', reason = 'sender_lost', claim = NULL,
        lease_until = NULL
    FROM held WHERE q.id = held.id AND q.state = 'sending' AND q.lease_until < now()
    RETURNING q.send_id
), locked AS (
    SELECT id FROM waves_send WHERE id IN (SELECT send_id FROM lost) ORDER BY id FOR NO KEY UPDATE
)
UPDATE waves_send s SET state = 'unknown', reason = 'sender_lost', maybe_accepted = true FROM locked
WHERE s.id = locked.id
"""


def deliver(*, limit: int | None = None, provider: EmailProvider | None = None) -> dict[str, int]:
    """Send what is queued and due, oldest first, at most `limit`. Several processes may do so at
    once.

    Returns `{sent, failed, left}`; `left` counts what is still queued. Waves that are paused or
    cancelled keep theirs.
    """
    provider = provider or registry.email_client()
    composers: dict[int, Composer] = {}
    counts = {"sent": 0, "failed": 0}
    claim_id, remaining = uuid.uuid4(), limit if limit is not None else None
    _execute(TAKE_OVER, {})
    while not _is_paused(provider.name) and remaining != 0:
        rows = _claim(claim_id, BATCH if remaining is None else min(BATCH, remaining))
        if not rows:
            break
        for state in _send_batch(provider, claim_id, rows, composers):
            if state in counts:
                counts[state] += 1
        remaining = None if remaining is None else remaining - len(rows)
    return counts | {"left": QueuedEmail.objects.filter(state__in=OPEN_STATES).count()}


def has_work() -> bool:
    """Whether something in the queue is due, or was left by a worker that died, also of a wave that
    was cancelled since. By the database's clock, which also set these times.
    """
    due = Q(not_before=None) | Q(not_before__lte=Now())
    left = Q(state=SendState.SENDING, lease_until__lt=Now())
    in_force = QueuedEmail.objects.filter(
        send__wave__state__in=[WaveState.TRIGGERED, WaveState.COMPLETED]
    )
    waits = in_force.filter(Q(state=SendState.PENDING) & due)
    return waits.exists() or QueuedEmail.objects.filter(left).exists()


def _send_batch(
    provider: EmailProvider,
    claim_id: uuid.UUID,
    rows: list[tuple[Any, ...]],
    composers: dict[int, Composer],
) -> list[str]:
    outcomes = provider.send([_text(row, composers) for row in rows])
    states = [
        pacing.next_send_state(
            outcome,
            tries=row[1] - 1,
            maybe_accepted=False,
            honours_keys=False,
            chance=random.random(),  # noqa: S311 spreads retries, guards nothing
        )
        for row, outcome in zip(rows, outcomes, strict=True)
    ]
    _record(claim_id, [row[0] for row in rows], states)
    if (
        2 * sum(outcome.kind != Kind.SENT for outcome in outcomes)
        > len(outcomes)
        >= pacing.FEWEST_TO_JUDGE
    ):
        accounts.pause(
            provider.name,
            (
                "More than half of a batch of e-mails failed. Last error:"
                f" {reason_in_words(outcomes[-1].reason)}"
            ),
        )
    return [next_state.state for next_state in states]


def text_for(composer: Composer, fan: Recipient, *, key: str, to: str) -> EmailText:
    """One e-mail as providers get it."""
    message, about = composer.email(fan), composer.about(fan)
    return EmailText(key, to, message.subject, message.body, message.html, about)


def _text(row: tuple[Any, ...], composers: dict[int, Composer]) -> EmailText:
    _, _, wave_id, key, email, code, market, global_user_id, language = row
    if wave_id not in composers:
        composers[wave_id] = composer_for(Wave.objects.select_related("campaign").get(pk=wave_id))
    fan = Recipient(market, global_user_id, code, language)
    return text_for(composers[wave_id], fan, key=key, to=email)


def _claim(claim_id: uuid.UUID, limit: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"claim": claim_id, "limit": limit, "lease": LEASE}
        cursor.execute(CLAIM, values)
        return list(cursor.fetchall())


def _record(claim_id: uuid.UUID, ids: list[int], states: Sequence[NextState]) -> None:
    values = {
        "ids": ids,
        "states": [next_state.state for next_state in states],
        "reasons": [next_state.reason[:60] for next_state in states],
        "tries": [next_state.tries for next_state in states],
        "waits": [next_state.wait_seconds for next_state in states],
    }
    _execute(RECORD, values | {"claim": claim_id})


def _is_paused(name: str) -> bool:
    return accounts.account(name).paused


@retried
def _execute(statement: str, values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
