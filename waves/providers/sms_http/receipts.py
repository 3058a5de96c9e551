"""The gateway's delivery receipts: signed JSON. [N-3]

The body is `{"receipts": [{"reference": our key, "id": the gateway's, "status": "delivered" |
"undeliverable"}, …]}`; the header `X-Signature: t=<unix seconds>,v1=<hex>` is HMAC-SHA256 over the
timestamp, a full stop and the body.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from operations.entry import values
from operations.errors import BadValue
from waves.choices import SendState
from waves.providers.outcomes import Receipt

LONGEST_AGE_SECONDS = 300
LONGEST_ID = 64
STATUSES = (SendState.DELIVERED.value, SendState.UNDELIVERABLE.value)


def is_genuine(headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Whether `X-Signature` was made with RECEIPT_SECRET over this body in the last five
    minutes.
    """
    signature = headers.get("X-Signature", "")
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    timestamp = parts.get("t", "")
    try:
        signed_at = values.whole_of_text("t", timestamp)
    except BadValue:
        return False
    if abs(now - signed_at) > LONGEST_AGE_SECONDS:
        return False
    expected = hmac.new(
        settings.RECEIPT_SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected.encode(), parts.get("v1", "").encode())


def read(body: bytes) -> list[Receipt]:
    """The receipts in the body. Raises BadValue, naming the key."""
    document = values.json_of("body", body)
    receipts = document.get("receipts") if isinstance(document, dict) else None
    if not isinstance(receipts, list) or not all(isinstance(each, dict) for each in receipts):
        raise BadValue("receipts", "write a list of objects with reference, id and status.")
    return [_receipt(receipt) for receipt in receipts]


def _receipt(document: dict[str, Any]) -> Receipt:
    reference = values.text("reference", document.get("reference"))
    try:
        key = uuid.UUID(reference)
    except ValueError as error:
        raise BadValue("reference", f"{values.shown(reference)} is not a UUID.") from error
    status = SendState(values.word("status", document.get("status"), STATUSES))
    return Receipt(key, status, str(document.get("id", ""))[:LONGEST_ID])
