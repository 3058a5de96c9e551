"""What Infobip's answers mean, over real connections to the sandbox. [N-3, N-4]"""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from waves.providers.answers import Answer
from waves.providers.contract import About, SmsMessage
from waves.providers.infobip import client
from waves.providers.infobip.client import InfobipSms, from_settings
from waves.providers.outcomes import Kind, Outcome

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")
MESSAGE = SmsMessage("key-1", "+12025550123", "Your code", ABOUT)


def in_session(url, work, timeout=5.0, token="sandbox"):  # noqa: S107
    sender = InfobipSms(url, token, sender="Presale")

    async def run():
        async with sender.open_session(timeout, 10) as session:
            return await work(sender, session)

    return asyncio.run(run())


def send(url, *messages, timeout=5.0):
    async def one_by_one(sender, session):
        return [await sender.send(session, message) for message in messages]

    return in_session(url, one_by_one, timeout)


def look_up(url, key):
    return in_session(url, lambda sender, session: sender.look_up(session, key))


def test_n3_an_accepted_message_is_sent_under_our_key(box):
    assert send(box.url, MESSAGE) == [Outcome(Kind.SENT)]
    [received] = box.messages("infobip")
    assert received["destinations"] == [{"to": "12025550123", "messageId": "key-1"}]
    assert (received["content"], received["sender"]) == ({"text": MESSAGE.body}, "Presale")


def test_n1_a_request_names_what_its_message_belongs_to(box):
    send(box.url, MESSAGE)
    [received] = box.messages("infobip")
    assert json.loads(received["webhooks"]["callbackData"]) == ABOUT._asdict()
    assert received["options"]["campaignReferenceId"] == ABOUT.wave
    assert received["correlation_id"] == ABOUT.correlation_id


def test_n4_an_id_that_comes_again_is_delivered_once_and_was_sent(box):
    assert send(box.url, MESSAGE, MESSAGE) == [Outcome(Kind.SENT)] * 2
    counts = box.received()["infobip"]
    assert (counts["accepted"], counts["repeats"]) == (1, 1)


def test_n4_a_repeat_of_what_was_rejected_is_not_taken_for_sent(box):
    poor = MESSAGE._replace(to="+15005550002")
    assert send(box.url, poor, poor) == [Outcome(Kind.REFUSED, "infobip_12")] * 2


def test_n4_a_cut_connection_is_uncertain_and_a_repeat_settles_it(box):
    box.control(drop_rate=1.0)
    assert send(box.url, MESSAGE) == [Outcome(Kind.UNCERTAIN, "connection_cut")]
    box.control(drop_rate=0)
    assert send(box.url, MESSAGE) == [Outcome(Kind.SENT)]
    assert box.received()["infobip"]["accepted"] == 1


def test_n3_a_time_out_is_uncertain_and_where_nothing_listens_nothing_was_accepted(box):
    box.control(latency_ms=1_000)
    assert send(box.url, MESSAGE, timeout=0.2) == [Outcome(Kind.UNCERTAIN, "timed_out")]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert send(address, MESSAGE) == [Outcome(Kind.RETRY_LATER, "no_connection")]


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
    [outcome] = send(box.url, MESSAGE)
    assert (outcome.kind, outcome.reason) == (kind, f"http_{status}")
    assert outcome.after_seconds == (2.5 if status in {429, 503} else 0)


@pytest.mark.parametrize(
    ("to", "outcome"),
    [
        ("+15005550001", Outcome(Kind.REFUSED, "bad_number")),
        ("+15005550002", Outcome(Kind.REFUSED, "infobip_12")),
        ("+15005550003", Outcome(Kind.RETRY_LATER, "infobip_21")),
    ],
)
def test_n3_a_message_that_is_rejected_in_an_accepted_request_was_not_sent(box, to, outcome):
    assert send(box.url, MESSAGE._replace(to=to)) == [outcome]


def status(group, number):
    return {"status": {"groupId": group, "id": number}}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"messages": [status(1, 26)]}, Kind.SENT),
        ({"messages": [status(5, 23)]}, Kind.UNCERTAIN),
        ({"messages": [status("5", 12)]}, Kind.SENT),
        ({"messages": [status(True, 12)]}, Kind.SENT),
        ({"messages": [5]}, Kind.SENT),
        ({"messages": []}, Kind.SENT),
        ([], Kind.SENT),
    ],
)
def test_n3_what_was_accepted_stays_accepted_whatever_its_answer_says(body, kind):
    assert client._read(Answer(200, "", json.dumps(body).encode())).kind == kind


@pytest.mark.parametrize(
    ("results", "kind"),
    [
        ([status(1, 26)], Kind.SENT),
        ([status(5, 23), status(3, 5)], Kind.SENT),
        ([status(5, 12)], Kind.REFUSED),
        ([status(5, 23)], Kind.UNCERTAIN),
        ([{}, 5], Kind.UNCERTAIN),
        ({}, Kind.UNCERTAIN),
    ],
)
def test_n4_the_log_says_what_became_of_the_first_of_an_id(results, kind):
    of_ours = [
        each | {"messageId": "key-1"} if isinstance(each, dict) else each for each in results
    ]
    assert client._logged(of_ours, "key-1").kind == kind
    assert client._logged(results, "key-1").kind == Kind.UNCERTAIN


def test_n4_a_look_up_finds_what_was_accepted_and_says_nothing_of_what_it_does_not_find(box):
    send(box.url, MESSAGE)
    assert look_up(box.url, "key-1") == Outcome(Kind.SENT)
    assert look_up(box.url, "key-2") == Outcome(Kind.UNCERTAIN, "not_in_log")
    assert look_up(f"{box.url}/elsewhere", "key-1").kind == Kind.UNCERTAIN
    assert look_up("http://127.0.0.1:9", "key-1") == Outcome(Kind.UNCERTAIN, "look_up_failed")


def health(url, token="sandbox"):  # noqa: S107
    return in_session(url, lambda sender, session: sender.check(session), 2.0, token)


def test_x6_a_check_sends_nothing_and_says_what_is_wrong(box):
    assert health(box.url) == (True, "answers")
    assert health(box.url, "wrong") == (False, "refuses our credentials (HTTP 401)")
    assert box.received()["infobip"]["requests"] == 0


def test_n1_the_settings_name_account_sender_and_whether_keys_are_honoured(box, settings):
    settings.INFOBIP_URL, settings.INFOBIP_API_KEY = box.url, "sandbox"
    settings.INFOBIP_SENDER, settings.INFOBIP_HONOURS_KEYS = "Tour", False
    sender = from_settings()

    async def run():
        async with sender.open_session() as session:
            return await sender.send(session, MESSAGE)

    assert (asyncio.run(run()).kind, sender.honours_keys) == (Kind.SENT, False)
    assert box.messages("infobip")[0]["sender"] == "Tour"
