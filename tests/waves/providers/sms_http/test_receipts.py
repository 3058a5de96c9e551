"""The gateway's receipts: whose signature counts, and what a body says. [N-3]"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid

import pytest

from waves.choices import SendState
from waves.providers.outcomes import Receipt
from waves.providers.sms_http import receipts

KEY = uuid.UUID(int=7)
BODY = json.dumps(
    {"receipts": [{"reference": str(KEY), "id": "p-1", "status": "undeliverable"}]}
).encode()
NOW = 1_800_000_000


def headers(*, secret: str = "s3cret", at: int = NOW, body: bytes = BODY) -> dict[str, str]:  # noqa: S107
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Signature": f"t={at},v1={mac}"}


@pytest.fixture(autouse=True)
def secret(settings) -> None:
    settings.RECEIPT_SECRET = "s3cret"


def test_n3_a_signature_over_this_body_in_the_last_five_minutes_is_genuine():
    assert receipts.is_genuine(headers(), BODY, now=NOW + 299)


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"X-Signature": ""},
        {"X-Signature": "t=x,v1=00"},
        {"X-Signature": f"t={NOW}"},
        headers(secret="another"),
        headers(at=NOW - 400),
        headers(at=NOW + 400),
        headers(body=BODY + b" "),
    ],
)
def test_n3_another_secret_time_or_body_is_not_genuine(forged):
    assert not receipts.is_genuine(forged, BODY, now=NOW)


def test_n3_a_receipt_names_our_key_the_state_and_the_gateways_id():
    assert receipts.read(BODY) == [Receipt(KEY, SendState.UNDELIVERABLE, "p-1")]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"receipts": [{"reference": "x"}]}', BODY.replace(b"undel", b"del")],
)
def test_n3_a_body_in_another_format_is_refused(body):
    with pytest.raises((ValueError, KeyError, TypeError)):
        receipts.read(body)
