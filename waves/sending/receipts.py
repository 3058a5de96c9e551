"""Delivery receipts: `POST /receipts/{provider}`, signed. They settle what was sent, and what is
unknown. [N-3, N-4]

The body is `{"receipts": [{"reference": our key, "id": the provider's, "status": "delivered" |
"undeliverable"}, …]}`; the header `X-Signature: t=<unix seconds>,v1=<hex>` is HMAC-SHA256 over the
timestamp, a full stop and the body. Repeats change nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
import uuid
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from waves.choices import SendState
from waves.sending.accounts import SMS

logger = logging.getLogger(__name__)

PROVIDERS = {SMS}
LONGEST_AGE_SECONDS = 300
STATUSES = {SendState.DELIVERED, SendState.UNDELIVERABLE}
# A receipt proves that the message was accepted, so it settles every state before. `failed` is ours
# to have been wrong about.
APPLY = """
UPDATE waves_send s
SET state = v.status, settled_at = now(), sent_at = coalesce(s.sent_at, now()), reason = '', lease_until = NULL, claim = NULL,
    provider_id = CASE WHEN s.provider_id = '' THEN v.provider_id ELSE s.provider_id END
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS v (key, status, provider_id)
WHERE s.key = v.key AND s.channel = 'sms' AND s.attempts > 0 AND s.state NOT IN ('delivered', 'undeliverable')
"""


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str) -> JsonResponse:
    """Take a batch of receipts; 403 for a signature that is wrong or old, 400 for what cannot be
    read.
    """
    if provider not in PROVIDERS:
        return JsonResponse({"error": "unknown provider"}, status=404)
    signature = request.headers.get("X-Signature", "")
    if not is_genuine(settings.RECEIPT_SECRET, signature, request.body, now=time.time()):
        logger.warning("receipts refused", extra={"provider": provider})
        return JsonResponse({"error": "bad signature"}, status=403)
    try:
        receipts = json.loads(request.body)["receipts"]
        rows = [_row(receipt) for receipt in receipts]
    except (ValueError, KeyError, TypeError):
        return JsonResponse(
            {"error": "expected receipts with reference, id and status"}, status=400
        )
    return JsonResponse({"in": len(rows), "applied": apply(rows)})


def is_genuine(secret: str, signature: str, body: bytes, *, now: float) -> bool:
    """Whether the signature was made with our secret, over this body, in the last five minutes."""
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    timestamp = parts.get("t", "")
    if (
        not (timestamp.isascii() and timestamp.isdecimal())
        or abs(now - int(timestamp)) > LONGEST_AGE_SECONDS
    ):
        return False
    expected = hmac.new(
        secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected.encode(), parts.get("v1", "").encode())


def apply(rows: list[tuple[uuid.UUID, str, str]]) -> int:
    """Write (key, status, provider's id) to the sends. Returns how many changed; unknown references
    change nothing.
    """
    if not rows:
        return 0
    latest = {key: (key, status, provider_id) for key, status, provider_id in rows}
    with connection.cursor() as cursor:
        cursor.execute(
            APPLY, [list(column) for column in zip(*sorted(latest.values()), strict=True)]
        )
        return int(cursor.rowcount)


def _row(receipt: dict[str, Any]) -> tuple[uuid.UUID, str, str]:
    status = receipt["status"]
    if status not in STATUSES:
        raise ValueError(status)
    return uuid.UUID(receipt["reference"]), str(status), str(receipt.get("id", ""))[:64]
