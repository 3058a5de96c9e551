"""Delivery receipts: `POST /receipts/{provider}`, signed as the provider signs. They settle what
was sent, and what is unknown. Repeats change nothing. [N-3, N-4]
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from operations.database.retries import retried
from operations.errors import BadValue
from waves.providers import registry
from waves.providers.outcomes import Receipt

logger = logging.getLogger(__name__)

# A receipt proves that the message was accepted, so it settles every earlier state, also `failed`,
# which was our mistake then. Rows are locked in the order of their keys, as the sender does.
APPLY = """
WITH locked AS (
    SELECT id FROM waves_send WHERE key = ANY(%(keys)s) ORDER BY id FOR NO KEY UPDATE
)
UPDATE waves_send s
SET state = v.status, settled_at = now(), sent_at = coalesce(s.sent_at, now()), reason = '',
    lease_until = NULL, claim = NULL,
    provider_id = CASE WHEN s.provider_id = '' THEN v.provider_id ELSE s.provider_id END
FROM unnest(%(keys)s::uuid[], %(statuses)s::text[], %(provider_ids)s::text[])
    AS v (key, status, provider_id), locked
WHERE s.id = locked.id AND s.key = v.key AND s.channel = 'sms' AND s.attempts > 0
    AND s.state NOT IN ('delivered', 'undeliverable')
"""


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str) -> JsonResponse:
    """Take a batch of receipts; 404 for a provider that sends none, 403 for a signature that is
    wrong or old, 400 for a body that cannot be read.
    """
    reader = registry.receipt_reader(provider)
    if reader is None:
        return JsonResponse({"error": "unknown provider"}, status=404)
    if not reader.is_genuine(request.headers, request.body, now=time.time()):
        logger.warning("receipts refused", extra={"provider": provider})
        return JsonResponse({"error": "bad signature"}, status=403)
    try:
        receipts = reader.read(request.body)
    except BadValue as refusal:
        return JsonResponse({"error": str(refusal)}, status=400)
    return JsonResponse({"in": len(receipts), "applied": apply(receipts)})


@retried
def apply(receipts: Sequence[Receipt]) -> int:
    """Write receipts to their sends, the last one of each key. Returns how many changed; unknown
    keys change nothing.
    """
    if not receipts:
        return 0
    latest = sorted({receipt.key: receipt for receipt in receipts}.values())
    with connection.cursor() as cursor:
        names = ("keys", "statuses", "provider_ids")
        columns = (list(column) for column in zip(*latest, strict=True))
        cursor.execute(APPLY, dict(zip(names, columns, strict=True)))
        return int(cursor.rowcount)
