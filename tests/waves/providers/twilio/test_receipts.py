"""What Twilio posts: whose signature counts, and what a form says. [N-3, N-8]"""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

import pytest

from operations.errors import BadValue
from sandbox.providers.twilio import signature
from tests.waves.receipts.posting import posted
from waves.choices import SendState
from waves.providers.outcomes import Ignored, InboundText, Objection, Receipt
from waves.providers.twilio import receipts

KEY = uuid.UUID(int=7)
ADDRESS = f"https://presale.example/receipts/twilio?key={KEY}&wave=a%20b"
STATUS = {"MessageSid": "SM1", "MessageStatus": "delivered", "SmsStatus": "delivered"}
TEXT = {"MessageSid": "SM2", "From": "+12025550123", "Body": "Stop", "SmsStatus": "received"}


@pytest.fixture(autouse=True)
def token(settings) -> None:
    settings.TWILIO_AUTH_TOKEN = "12345"


def form(fields, *, address=ADDRESS, **headers):
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    kind = "application/x-www-form-urlencoded"
    return posted(body, address=address, **{"content_type": kind} | headers)


def is_genuine(fields, signed, *, address=ADDRESS):
    return receipts.is_genuine(form(fields, address=address, x_twilio_signature=signed), now=0)


def test_n3_the_example_in_twilios_documentation_is_genuine():
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    address = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert is_genuine(fields, "GvWf1cFY/Q7PnoempGyD5oXAezc=", address=address)


def test_n3_another_token_address_field_or_signature_is_not_genuine(settings):
    good = signature("12345", ADDRESS, STATUS)
    assert is_genuine(STATUS, good)
    assert not is_genuine(STATUS, good, address=ADDRESS.replace("7&", "8&"))
    assert not is_genuine(STATUS | {"MessageStatus": "failed"}, good)
    assert not is_genuine(STATUS | {"More": "x"}, good)
    assert not is_genuine(STATUS, signature("another", ADDRESS, STATUS))
    assert not is_genuine(STATUS, "")
    assert not is_genuine(STATUS, "\udc80é")
    assert not is_genuine(b"\xff", good)
    settings.TWILIO_AUTH_TOKEN = ""
    assert not is_genuine(STATUS, signature("", ADDRESS, STATUS))


@pytest.mark.parametrize(
    ("fields", "receipt"),
    [
        ({}, Receipt(KEY, SendState.DELIVERED, "SM1")),
        ({"MessageStatus": "read"}, Receipt(KEY, SendState.DELIVERED, "SM1")),
        (
            {"MessageStatus": "undelivered", "ErrorCode": "30003"},
            Receipt(KEY, SendState.UNDELIVERABLE, "SM1", "twilio_30003"),
        ),
        (
            {"MessageStatus": "undelivered", "ErrorCode": "30005"},
            Receipt(KEY, SendState.UNDELIVERABLE, "SM1", "twilio_30005", Objection.HARD_BOUNCE),
        ),
        (
            {"MessageStatus": "failed", "ErrorCode": "21610"},
            Receipt(KEY, SendState.UNDELIVERABLE, "SM1", "opted_out", Objection.OPTED_OUT),
        ),
        ({"MessageStatus": "canceled"}, Receipt(KEY, SendState.UNDELIVERABLE, "SM1")),
    ],
)
def test_n3_a_final_status_is_a_receipt_for_the_key_in_its_address(fields, receipt):
    assert receipts.read(form(STATUS | fields)) == [receipt]


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "sent"])
def test_n3_a_message_that_is_under_way_is_no_receipt(status):
    assert receipts.read(form(STATUS | {"MessageStatus": status})) == [Ignored(status, "SM1")]


def test_n8_a_text_from_a_fan_is_passed_on_with_what_twilio_makes_of_it():
    said = receipts.read(form(TEXT | {"OptOutType": "STOP"}))
    assert said == [InboundText("+12025550123", "Stop", "SM2", is_stop=True)]
    assert receipts.read(form(TEXT | {"OptOutType": "HELP"}))[0].is_stop is False
    assert isinstance(receipts.read(form(TEXT | {"From": "whatsapp:+1202"}))[0], Ignored)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (b"", "^body: it is empty"),
        ({"MessageStatus": "eaten"}, "^MessageStatus: 'eaten' is unknown"),
        (STATUS | {"MessageSid": "\0"}, "^MessageSid: the text contains a NUL"),
        (STATUS | {"MessageStatus": "failed", "ErrorCode": "9" * 5_000}, "^ErrorCode: '999"),
        (STATUS | {"MessageStatus": "failed", "ErrorCode": "30 003"}, "^ErrorCode: '30 003' is"),
        ({"From": "+12025550123"}, "^Body: write a text"),
        ({"Body": "stop"}, "^From: write a text"),
        ({}, "^body: it is empty"),
        ({"a": "b"}, "^Body: write a text"),
    ],
)
def test_n3_a_form_that_cannot_be_read_is_refused_by_the_name_of_its_field(fields, says):
    with pytest.raises(BadValue, match=says):
        receipts.read(form(fields))


@pytest.mark.parametrize(
    ("query", "says"),
    [("", "^key: write a text"), ("?key=x", "^key: 'x' is not a UUID"), ("?key=1&key=2", "twice")],
)
def test_n3_a_status_whose_address_has_no_key_of_ours_is_refused(query, says):
    with pytest.raises(BadValue, match=says):
        receipts.read(form(STATUS, address=f"https://presale.example/receipts/twilio{query}"))


def test_n3_json_is_not_what_twilio_posts():
    with pytest.raises(BadValue, match=r"^Content-Type: it is 'application/json'"):
        receipts.read(form(b"{}", content_type="application/json"))
