"""The gateway's receipts: whose signature counts, and what a body says. [N-3]"""

from __future__ import annotations

import json
import uuid

import pytest

from operations.errors import BadValue
from tests.waves.receipts.posting import gateway_signature, posted
from waves.choices import SendState
from waves.providers.outcomes import Receipt, Refused
from waves.providers.sms_http import receipts

KEY = uuid.UUID(int=7)
GOOD = {"reference": str(KEY), "id": "p-1", "status": "undeliverable"}
BODY = json.dumps({"receipts": [GOOD]}).encode()
NOW = 1_800_000_000
SECRET = "s3cret"


def signature(*, secret: str = SECRET, at: int = NOW, body: bytes = BODY) -> str:
    return gateway_signature(body, secret=secret, at=at)


@pytest.fixture(autouse=True)
def secret(settings) -> None:
    settings.RECEIPT_SECRET = SECRET


def is_genuine(signature: str, *, now: float) -> bool:
    return receipts.is_genuine(posted(BODY, x_signature=signature), now=now)


def test_n3_a_signature_over_this_body_in_the_last_five_minutes_is_genuine():
    assert is_genuine(signature(), now=NOW + 299)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "t=x,v1=00",
        f"t={NOW}",
        f"t={'9' * 400},v1=00",
        f"t={'9' * 5_000},v1=00",
        f"t={NOW},v1=\udc80é",
        signature(secret="another"),
        signature(at=NOW - 400),
        signature(at=NOW + 400),
        signature(body=BODY + b" "),
    ],
)
def test_n3_another_secret_time_or_body_is_not_genuine(forged):
    assert not is_genuine(forged, now=NOW)


def test_n3_a_receipt_names_our_key_the_state_and_the_gateways_id():
    assert receipts.read(posted(BODY)) == [Receipt(KEY, SendState.UNDELIVERABLE, "p-1")]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "^body: it is empty"),
        (b"\xff\xfe", "^body: it is not JSON"),
        (b"[" * 100_000, "^body: the JSON is nested too deeply"),
        (b"[]", "^receipts: write a list"),
        (b"{}", "^receipts: write a list"),
        (b'{"receipts": {}}', "^receipts: write a list of objects, not an object"),
    ],
)
def test_n3_a_body_that_is_no_list_of_receipts_is_refused_by_the_name_of_its_key(body, says):
    with pytest.raises(BadValue, match=says):
        receipts.read(posted(body))


def test_n3_a_body_of_another_type_is_refused():
    with pytest.raises(BadValue, match=r"^Content-Type: it is 'text/plain'. Send application/json"):
        receipts.read(posted(BODY, content_type="text/plain"))


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        ("5", "receipts: write a list of objects, not 5."),
        ('{"reference": "x"}', "reference: 'x' is not a UUID."),
        ('{"reference": 5}', "reference: write a text in quotes, not 5."),
        ('{"reference": ["x"]}', "reference: write a text in quotes, not a list."),
        ({"reference": "9" * 100_000}, "reference: the text has 100,000 characters."),
        ({"status": "deliverable"}, "status: 'deliverable' is unknown."),
        ({"status": ["delivered"]}, "status: a list is unknown."),
        ({"id": {"a": 1}}, "id: write a text in quotes, not an object."),
        ({"id": "p\0"}, "id: the text contains a NUL"),
        ({"id": "p\ud800"}, "id: the text contains a NUL or an incomplete character."),
        ({"more": json.loads("[" * 60 + "]" * 60)}, "more: the JSON is nested too deeply."),
    ],
)
def test_n3_a_receipt_that_cannot_be_read_is_refused_alone(odd, says):
    """In one sentence, and the one behind it is taken."""
    written = odd if isinstance(odd, str) else json.dumps(GOOD | odd)
    body = b'{"receipts": [%s, %s]}' % (written.encode(), json.dumps(GOOD).encode())
    refused, taken = receipts.read(posted(body))
    assert isinstance(refused, Refused)
    assert refused.why.startswith(says)
    assert taken == Receipt(KEY, SendState.UNDELIVERABLE, "p-1")


def test_n3_an_id_of_thousands_of_digits_is_no_reason_to_refuse_a_receipt():
    body = BODY.replace(b'"p-1"', b"9" * 5_000)
    assert receipts.read(posted(body))[0].provider_id == "9" * 64
