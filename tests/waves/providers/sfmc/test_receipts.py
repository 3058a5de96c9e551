"""Marketing Cloud's events: whose signature counts, and what they say. [N-3, N-8]"""

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
from waves.providers.outcomes import Ignored, Objection, Receipt, Refused
from waves.providers.sfmc import receipts

KEY, SECRET = uuid.UUID(int=7), "the-key-that-is-shown-once"
DOOR = "/receipts/sfmc"


def event(what, **info):
    return {
        "eventCategoryType": f"TransactionalSendEvents.{what}",
        "timestampUTC": 1_600_698_608_530,
        "compositeId": "c-1",
        "info": {"to": "fan@mail.example", "messageKey": str(KEY)} | info,
    }


BODY = json.dumps([event("EmailSent")]).encode()


@pytest.fixture(autouse=True)
def secret(settings) -> None:
    settings.SFMC_SIGNATURE_KEY = SECRET


def signature(body=BODY, secret=SECRET):
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def is_genuine(signature):
    return receipts.is_genuine(posted(BODY, x_sfmc_ens_signature=signature), now=0.0)


def test_n3_what_is_signed_with_the_callbacks_key_is_genuine(settings):
    assert is_genuine(signature())
    settings.SFMC_SIGNATURE_KEY = ""
    assert not is_genuine(signature(secret=""))


@pytest.mark.parametrize(
    "forged",
    ["", "é", "!", signature(secret="other"), signature(BODY + b" "), signature()[:-4]],
)
def test_n3_another_key_or_body_is_not_genuine(forged):
    assert not is_genuine(forged)


def read(*events):
    return receipts.read(posted(json.dumps(events).encode()))


def test_n3_an_event_says_what_became_of_its_message():
    hard, soft = event("EmailBounced", bounceCode="HARD"), event("EmailBounced", bounceCode="SOFT")
    opted_out, refused = (event("EmailNotSent", statusCode=code) for code in ("1", "5"))
    not_there = SendState.UNDELIVERABLE
    assert read(event("EmailSent"), hard, soft, opted_out, refused) == [
        Receipt(KEY, SendState.SENT, "c-1"),
        Receipt(KEY, not_there, "c-1", "esp_bounced", Objection.HARD_BOUNCE),
        Receipt(KEY, not_there, "c-1", "esp_bounced"),
        Receipt(KEY, not_there, "c-1", "not_sent", Objection.UNSUBSCRIBED),
        Receipt(KEY, not_there, "c-1", "not_sent"),
    ]


def test_n3_a_single_event_and_one_of_another_kind_are_read():
    opened = {"eventCategoryType": "EngagementEvents.EmailOpen", "info": {}}
    assert receipts.read(posted(json.dumps(opened).encode())) == [
        Ignored("EngagementEvents.EmailOpen")
    ]
    assert read({}) == [Ignored("None")]


def test_n3_an_event_that_cannot_be_read_spoils_no_other():
    bad = [event("EmailSent", messageKey="x"), event("EmailSent") | {"info": []}, 5]
    *refused, good = read(*bad, event("EmailSent"))
    assert [type(each) for each in refused] == [Refused] * 3
    assert good == Receipt(KEY, SendState.SENT, "c-1")
    with pytest.raises(BadValue, match=r"^body: it is not JSON"):
        receipts.read(posted(b"[{"))


@pytest.fixture
def setup(box, settings):
    """An API, and a callback whose key is not known yet."""
    receipts.QUESTIONS.forget()
    settings.SFMC_AUTH_URL, settings.SFMC_CLIENT_SECRET = box.url, "sandbox"
    settings.SFMC_SIGNATURE_KEY = ""
    return box


QUESTION = {"callbackId": "callback-1", "verificationKey": "sandbox"}


def confirm(question):
    return receipts.confirm(posted(json.dumps(question).encode()))


def test_n3_a_new_callback_is_told_that_the_address_is_ours(setup, client):
    answer = client.post(DOOR, QUESTION, content_type="application/json")
    assert (answer.status_code, answer.content) == (200, b"")
    assert setup.received()["sfmc"]["callbacks_confirmed"] == ["callback-1"]


@pytest.mark.parametrize(
    "question",
    [[], {}, "x", {**QUESTION, "more": 1}, {**QUESTION, "verificationKey": "wrong"}],
)
def test_n3_what_is_no_question_or_not_confirmed_is_not_answered(setup, question):
    assert not confirm(question)
    assert setup.received()["sfmc"]["callbacks_confirmed"] == []


def test_n3_once_the_key_is_set_or_without_an_account_nothing_is_asked(setup, settings):
    settings.SFMC_SIGNATURE_KEY = SECRET
    assert not confirm(QUESTION)
    settings.SFMC_SIGNATURE_KEY = settings.SFMC_AUTH_URL = ""
    assert not confirm(QUESTION)
    settings.SFMC_AUTH_URL = "http://127.0.0.1:9"  # out of reach
    assert not confirm(QUESTION)
    assert setup.received()["sfmc"]["tokens_given"] == 0


def test_n3_a_stranger_who_asks_again_and_again_makes_us_ask_three_times(setup):
    assert [confirm(QUESTION) for _ in range(5)] == [True] * 3 + [False] * 2
