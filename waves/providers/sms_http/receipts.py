"""The gateway's delivery receipts: signed JSON. [N-3]

The body is `{"receipts": [{"reference": our key, "id": the gateway's, "status": "delivered" |
"undeliverable"}, …]}`; the header `X-Signature: t=<unix seconds>,v1=<hex>` is HMAC-SHA256 over the
timestamp, a full stop and the body.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from waves.choices import SendState
from waves.providers.outcomes import Receipt

LONGEST_AGE_SECONDS = 300
STATUSES = {SendState.DELIVERED, SendState.UNDELIVERABLE}


def is_genuine(headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Whether `X-Signature` was made with RECEIPT_SECRET over this body in the last five
    minutes.
    """
    signature = headers.get("X-Signature", "")
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    timestamp = parts.get("t", "")
    if (
        not (timestamp.isascii() and timestamp.isdecimal())
        or abs(now - int(timestamp)) > LONGEST_AGE_SECONDS
    ):
        return False
    expected = hmac.new(
        settings.RECEIPT_SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected.encode(), parts.get("v1", "").encode())


def read(body: bytes) -> list[Receipt]:
    """The receipts in the body. Raises ValueError, KeyError or TypeError for another format."""
    return [_receipt(receipt) for receipt in json.loads(body)["receipts"]]


def _receipt(document: dict[str, Any]) -> Receipt:
    status = document["status"]
    if status not in STATUSES:
        raise ValueError(status)
    return Receipt(
        uuid.UUID(document["reference"]), SendState(status), str(document.get("id", ""))[:64]
    )
