"""The gateway's delivery receipts: signed JSON. [N-3]

The body is `{"receipts": [{"reference": our key, "id": the gateway's, "status": "delivered" |
"undeliverable"}, …]}`; the header `X-Signature: t=<unix seconds>,v1=<hex>` is HMAC-SHA256 over the
timestamp, a full stop and the body.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final

from django.conf import settings

from operations.entry import values
from operations.errors import BadValue
from waves.choices import SendState
from waves.providers import posted
from waves.providers.outcomes import Event, Receipt
from waves.providers.posted import Posted

ANSWER: Final = None
LONGEST_AGE_SECONDS: Final = 300
STATUSES: Final = (SendState.DELIVERED.value, SendState.UNDELIVERABLE.value)


def is_genuine(request: Posted, *, now: float) -> bool:
    """Whether `X-Signature` was made with RECEIPT_SECRET over this body in the last five
    minutes.
    """
    signature = request.headers.get("X-Signature", "")
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    timestamp = parts.get("t", "")
    try:
        signed_at = values.whole_of_text("t", timestamp)
    except BadValue:
        return False
    if abs(now - signed_at) > LONGEST_AGE_SECONDS:
        return False
    expected = hmac.new(
        settings.RECEIPT_SECRET.encode(), f"{timestamp}.".encode() + request.body, hashlib.sha256
    ).hexdigest()
    return posted.is_same(expected, parts.get("v1", ""))


def read(request: Posted) -> list[Event]:
    """The receipts in the body, each by itself. Raises BadValue, naming the key."""
    document = request.json()
    listed = document.get("receipts") if isinstance(document, dict) else None
    return posted.each(listed, _receipt, key="receipts")


def _receipt(document: dict[str, Any]) -> Receipt:
    return Receipt(
        posted.our_key("reference", document.get("reference")),
        SendState(values.word("status", document.get("status"), STATUSES)),
        posted.their_id("id", document.get("id")),
    )
