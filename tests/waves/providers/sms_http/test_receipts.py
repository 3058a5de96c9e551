"""The gateway's receipts: whose signature counts, and what a body says. [N-3]"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid

import pytest

from operations.errors import BadValue
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
        {"X-Signature": f"t={'9' * 400},v1=00"},
        {"X-Signature": f"t={'9' * 5_000},v1=00"},
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
    ("body", "says"),
    [
        (b"", "^body: it is not JSON"),
        (b"[" * 100_000, "^body: the JSON is nested too deeply"),
        (b"[]", "^receipts: write a list"),
        (b"{}", "^receipts: write a list"),
        (b'{"receipts": {}}', "^receipts: write a list"),
        (b'{"receipts": [5]}', "^receipts: write a list"),
        (b'{"receipts": [{"reference": "x"}]}', "^reference: 'x' is not a UUID"),
        (b'{"receipts": [{"reference": 5}]}', "^reference: write a text"),
        (b'{"receipts": [{"reference": ["x"]}]}', "^reference: write a text"),
        (BODY.replace(b"undel", b"del"), "^status: 'deliverable' is unknown"),
        (BODY.replace(b'"undeliverable"', b'["delivered"]'), "^status: a list is unknown"),
        (BODY.replace(b"p-1", b"p\\u0000"), "^receipts: the text contains a NUL"),
        (BODY.replace(b"p-1", b"p\\ud800"), "^receipts: the text contains a NUL"),
    ],
)
def test_n3_a_body_in_another_format_is_refused_by_the_name_of_its_key(body, says):
    with pytest.raises(BadValue, match=says):
        receipts.read(body)


def test_n3_an_id_of_thousands_of_digits_is_no_reason_to_refuse_a_receipt():
    body = BODY.replace(b'"p-1"', b"9" * 5_000)
    assert receipts.read(body)[0].provider_id == "9" * 64
