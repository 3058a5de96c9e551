"""What Twilio's answers mean, over real connections to the sandbox. [N-3, N-4]"""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from sandbox.providers.twilio import ACCOUNT
from waves.providers.answers import Answer
from waves.providers.contract import About, SmsMessage
from waves.providers.outcomes import Kind, Outcome
from waves.providers.reasons import reason_in_words
from waves.providers.twilio import client
from waves.providers.twilio.client import TwilioSms, from_settings

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")
MESSAGE = SmsMessage("key-1", "+12025550123", "Your code", ABOUT)
REPORTS = "https://presale.example/receipts/twilio"


def provider(url, *, token="sandbox", sender="+15005550006"):  # noqa: S107
    return TwilioSms(url, ACCOUNT, token, sender=sender, reports=REPORTS)


def in_session(sender, work, timeout=5.0):
    async def run():
        async with sender.open_session(timeout, 10) as session:
            return await work(session)

    return asyncio.run(run())


def send(url, message=MESSAGE, *, timeout=5.0, **how):
    sender = provider(url, **how)
    return in_session(sender, lambda session: sender.send(session, message), timeout)


def test_n3_an_accepted_message_is_sent_and_keeps_twilios_id(box):
    outcome = send(box.url)
    [received] = box.messages("twilio")
    assert outcome == Outcome(Kind.SENT, provider_id=received["id"])
    assert (received["To"], received["Body"]) == (MESSAGE.to, MESSAGE.body)
    assert received["From"] == "+15005550006"


def test_n1_a_messaging_service_is_named_as_one(box):
    service = "MG" + "a" * 32
    send(box.url, sender=service)
    [received] = box.messages("twilio")
    assert (received["MessagingServiceSid"], received.get("From")) == (service, None)


def test_n1_a_request_names_what_its_message_belongs_to(box):
    """In the address of the status callback, since Twilio has no fields for it."""
    odd = ABOUT._replace(wave="tour & co", correlation_id="corr-0002")
    send(box.url, MESSAGE._replace(about=odd))
    [received] = box.messages("twilio")
    assert received["StatusCallback"].startswith(f"{REPORTS}?")
    assert received["fields"] == {
        "key": "key-1",
        "campaign": "tour",
        "wave": "tour & co",
        "waveDate": "2026-01-20",
        "market": "west",
        "correlationId": "corr-0002",
    }
    assert received["correlation_id"] == "corr-0002"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, Kind.RATE_LIMITED),
        (503, Kind.RETRY_LATER),
        (500, Kind.UNCERTAIN),
        (302, Kind.REFUSED),
        (400, Kind.REFUSED),
    ],
)
def test_n3_each_status_has_its_meaning(box, status, kind):
    box.control(fail_rates={str(status): 1.0}, retry_after_seconds=2.5)
    outcome = send(box.url)
    assert (outcome.kind, outcome.reason) == (kind, f"http_{status}")
    assert outcome.after_seconds == (2.5 if status in {429, 503} else 0)


@pytest.mark.parametrize(
    ("to", "outcome"),
    [
        ("+15005550001", Outcome(Kind.REFUSED, "bad_number")),
        ("+15005550003", Outcome(Kind.REFUSED, "twilio_21408")),
        ("+15005550004", Outcome(Kind.REFUSED, "opted_out")),
        ("+15005550008", Outcome(Kind.RATE_LIMITED, "twilio_21611", after_seconds=10.0)),
        ("+15005550009", Outcome(Kind.REFUSED, "bad_number")),
    ],
)
def test_n3_an_error_of_twilios_says_whether_and_when_to_send_again(box, to, outcome):
    assert send(box.url, MESSAGE._replace(to=to)) == outcome
    assert box.received()["twilio"]["accepted"] == 0


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (201, b"<html>", Outcome(Kind.SENT)),
        (201, b'{"sid": 5}', Outcome(Kind.SENT, provider_id="5")),
        (400, b'{"code": 20429}', Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=1.0)),
        (400, b'{"code": "21610"}', Outcome(Kind.REFUSED, "http_400")),
        (400, b'{"code": true}', Outcome(Kind.REFUSED, "http_400")),
        (400, b'{"code": 1' + b"0" * 5_000 + b"}", Outcome(Kind.REFUSED, "http_400")),
        (400, b"[" * 100_000, Outcome(Kind.REFUSED, "http_400")),
    ],
)
def test_n3_an_answer_that_is_odd_still_has_its_status(status, body, outcome):
    assert client._read(Answer(status, "", body)) == outcome


def test_n3_a_cut_connection_and_a_time_out_are_uncertain(box):
    box.control(drop_rate=1.0)
    assert send(box.url) == Outcome(Kind.UNCERTAIN, "connection_cut")
    box.control(drop_rate=0, latency_ms=1_000)
    assert send(box.url, timeout=0.2) == Outcome(Kind.UNCERTAIN, "timed_out")


def test_n3_where_nothing_listens_nothing_was_accepted():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert send(address) == Outcome(Kind.RETRY_LATER, "no_connection")


def test_n4_twilio_honours_no_key_and_looks_none_up(box):
    send(box.url)
    send(box.url)
    counts = box.received()["twilio"]
    assert (counts["accepted"], counts["keys_accepted_twice"]) == (2, 1)
    sender = provider(box.url)
    assert not sender.honours_keys
    outcome = in_session(sender, lambda session: sender.look_up(session, "key-1"))
    assert outcome == Outcome(Kind.UNCERTAIN, "no_look_up")


def health(url, token="sandbox"):  # noqa: S107
    sender = provider(url, token=token)
    return in_session(sender, sender.check, 2.0)


def test_x6_a_check_sends_nothing_and_says_what_is_wrong(box):
    assert health(box.url) == (True, "answers")
    assert health(box.url, "wrong") == (False, "refuses our credentials (HTTP 401)")
    assert health(f"{box.url}/elsewhere") == (False, "reports an error (HTTP 404)")
    assert health("http://127.0.0.1:9") == (False, "cannot be reached")
    assert box.received()["twilio"]["requests"] == 0


def test_x6_an_account_that_is_suspended_is_not_well():
    answer = Answer(200, "", json.dumps({"status": "suspended"}).encode())
    assert client._health(answer) == (False, "says that the account is not active")


def test_n1_the_settings_name_account_sender_and_the_address_of_receipts(box, settings):
    settings.TWILIO_URL, settings.SITE_URL = box.url, "https://site.example/"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT, "sandbox"
    settings.TWILIO_SENDER = "Presale"
    sender = from_settings()
    assert in_session(sender, lambda session: sender.send(session, MESSAGE)).kind == Kind.SENT
    [received] = box.messages("twilio")
    assert received["From"] == "Presale"
    assert received["StatusCallback"].startswith("https://site.example/receipts/twilio?key=key-1&")


def test_n3_twilios_errors_have_words():
    assert reason_in_words("twilio_21408") == "Rejected by the provider (error 21408)"
    assert "_" not in reason_in_words("opted_out") + reason_in_words("bad_number")
