"""What Infobip posts: whose signature counts, and what its results say. [N-3, N-8]"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid

import pytest

from operations.errors import BadValue
from tests.waves.receipts.posting import posted
from waves.choices import SendState
from waves.providers.infobip import receipts
from waves.providers.outcomes import Ignored, InboundText, Objection, Receipt, Refused

KEY = uuid.UUID(int=7)
SECRET = "agreed-with-infobip"


@pytest.fixture(autouse=True)
def secret(settings) -> None:
    settings.INFOBIP_SIGNATURE_SECRET = SECRET


def report(group, number, **more):
    return {"messageId": str(KEY), "status": {"groupId": group, "id": number}} | more


def body_of(*results):
    return json.dumps({"results": results}).encode()


BODY = body_of(report(3, 5))


def test_n3_a_signature_over_this_body_is_genuine_in_hex_and_in_base64(settings):
    mac = hmac.new(SECRET.encode(), BODY, hashlib.sha256)
    in_base64 = base64.b64encode(mac.digest()).decode()
    for signed in (mac.hexdigest(), f"sha256={mac.hexdigest()}", in_base64):
        assert receipts.is_genuine(posted(BODY, x_signature=signed), now=0)
    settings.INFOBIP_SIGNATURE_HEADER = "X-Signed"
    assert receipts.is_genuine(posted(BODY, x_signed=in_base64), now=0)
    assert not receipts.is_genuine(posted(BODY, x_signature=in_base64), now=0)


def test_n3_another_secret_or_body_is_not_genuine(settings):
    good = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert not receipts.is_genuine(posted(BODY + b" ", x_signature=good), now=0)
    for odd in ("", "sha256=", "\udc80é", good.upper()):
        assert not receipts.is_genuine(posted(BODY, x_signature=odd), now=0)
    settings.INFOBIP_SIGNATURE_SECRET = ""
    nothing = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    assert not receipts.is_genuine(posted(BODY, x_signature=nothing), now=0)


@pytest.mark.parametrize(
    ("given", "receipt"),
    [
        (report(3, 5), Receipt(KEY, SendState.DELIVERED, "")),
        (report(2, 9), Receipt(KEY, SendState.UNDELIVERABLE, "", "infobip_9")),
        (report(4, 15), Receipt(KEY, SendState.UNDELIVERABLE, "", "infobip_15")),
        (report(5, 52), Receipt(KEY, SendState.UNDELIVERABLE, "", "bad_number")),
        (
            report(2, 9, error={"id": 1, "name": "EC_UNKNOWN_SUBSCRIBER"}),
            Receipt(KEY, SendState.UNDELIVERABLE, "", "infobip_9", Objection.HARD_BOUNCE),
        ),
        (report(1, 7), Ignored("under way", str(KEY))),
        (report(3, 2), Ignored("under way", str(KEY))),
        (report(5, 23), Ignored("a repeat that was not taken", str(KEY))),
    ],
)
def test_n3_a_final_status_is_a_receipt_for_our_key(given, receipt):
    """And that a repeat was rejected says nothing about the message."""
    assert receipts.read(posted(body_of(given))) == [receipt]


def test_n8_a_text_from_a_fan_is_passed_on():
    text = {"messageId": "m-1", "from": "12025550123", "to": "41793026700", "text": "STOP"}
    odd = text | {"from": "SENDER"}
    assert receipts.read(posted(body_of(text, odd))) == [
        InboundText("+12025550123", "STOP", "m-1"),
        Ignored("a text from another network", "m-1"),
    ]


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (5, "results: write a list of objects, not 5."),
        ({"status": 5}, "status: the group 0 is unknown."),
        (report(9, 1), "status: the group 9 is unknown."),
        (report("3", 5), "status: the group 0 is unknown."),
        (report(3, 5) | {"messageId": "x"}, "messageId: 'x' is not a UUID."),
        (report(3, 5) | {"messageId": 5}, "messageId: write a text in quotes, not 5."),
        ({"from": 5, "text": "a"}, "from: write a text in quotes, not 5."),
        ({"from": "12025550123"}, "text: write a text in quotes, not null."),
        ({"from": "12025550123", "text": "\ud800"}, "text: the text contains a NUL"),
    ],
)
def test_n3_a_result_that_cannot_be_read_is_refused_alone(odd, says):
    refused, taken = receipts.read(posted(body_of(odd, report(3, 5))))
    assert isinstance(refused, Refused)
    assert refused.why.startswith(says)
    assert taken == Receipt(KEY, SendState.DELIVERED, "")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"results": 5}'])
def test_n3_a_body_without_results_is_refused(body):
    with pytest.raises(BadValue, match=r"^results: write a list of objects"):
        receipts.read(posted(body))
