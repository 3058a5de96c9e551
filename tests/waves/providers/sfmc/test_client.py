"""What Marketing Cloud's answers mean, over real connections to the sandbox. [N-3, N-4, N-5]"""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
from aiohttp import web

from waves.providers.answers import Answer
from waves.providers.contract import About, EmailMessage
from waves.providers.outcomes import Health, Kind, Outcome
from waves.providers.sfmc.client import MarketingCloud, from_settings, outcome_of
from waves.providers.sfmc.session import Credentials

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")
MESSAGE = EmailMessage("key-1", "fan@mail.example", "You're in", "Code: A", "<p>Code: A</p>", ABOUT)


@pytest.fixture(autouse=True)
def behaved(box):
    box.control(retry_after_seconds=1)
    yield
    box.control(token_seconds=1_079, token_uses=0)


def provider(url, *, secret="sandbox", definition="presale"):  # noqa: S107
    return MarketingCloud(Credentials(url, "package", secret, "510000"), definition)


def in_session(sender, work, timeout=5.0):
    async def run():
        async with sender.open_session(timeout, 10) as session:
            return await work(session)

    return asyncio.run(run())


def send(url, *messages, timeout=5.0, secret="sandbox"):  # noqa: S107
    sender = provider(url, secret=secret)

    async def one_by_one(session):
        return [await sender.send(session, message) for message in messages]

    return in_session(sender, one_by_one, timeout)


def of_sfmc(box):
    return box.received()["sfmc"]


def test_n5_an_accepted_e_mail_is_sent_and_keeps_the_id_of_its_request(box):
    assert send(box.url, MESSAGE) == [Outcome(Kind.SENT, provider_id="request-1")]
    [received] = box.messages("sfmc")
    assert (received["key"], received["definitionKey"]) == ("key-1", "presale")
    recipient = received["recipient"]
    # a contact key of each message would make a new contact of each
    assert (recipient["to"], recipient["contactKey"]) == (MESSAGE.to, MESSAGE.to)
    texts = {name: recipient["attributes"][name] for name in ("Subject", "Text", "Html")}
    assert texts == {"Subject": MESSAGE.subject, "Text": MESSAGE.text, "Html": MESSAGE.html}


def test_n1_an_e_mail_names_what_it_belongs_to_in_attributes_of_its_own(box):
    send(box.url, MESSAGE)
    attributes = box.messages("sfmc")[0]["recipient"]["attributes"]
    names = ("CampaignId", "Wave", "WaveDate", "MarketId", "CorrelationId")
    assert [attributes[name] for name in names] == list(ABOUT)


def test_n4_a_repeat_of_a_key_is_sent_and_delivered_once(box):
    """Marketing Cloud refuses a message key that it took: so the message was accepted."""
    first, second = send(box.url, MESSAGE, MESSAGE)
    assert (first.kind, second.kind) == (Kind.SENT, Kind.SENT)
    assert (of_sfmc(box)["accepted"], of_sfmc(box)["repeats"]) == (1, 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, Kind.RATE_LIMITED),
        (503, Kind.RETRY_LATER),
        (500, Kind.UNCERTAIN),
        (400, Kind.REFUSED),
        (403, Kind.REFUSED),
    ],
)
def test_n3_each_status_has_its_meaning(box, status, kind):
    box.control(fail_rates={str(status): 1.0}, retry_after_seconds=2.5)
    [outcome] = send(box.url, MESSAGE)
    assert (outcome.kind, outcome.reason) == (kind, f"http_{status}")
    assert outcome.after_seconds == (2.5 if status in {429, 503} else 0)


@pytest.mark.parametrize(
    ("status", "answer", "outcome"),
    [
        (202, {"requestId": "r-1", "errorcode": 0}, Outcome(Kind.SENT, provider_id="r-1")),
        (202, ["unreadable"], Outcome(Kind.SENT)),
        (202, {"responses": [{"errorcode": 109106}]}, Outcome(Kind.REFUSED, "sfmc_109106")),
        (
            200,
            {"errorcode": 109001, "responses": [{"errorcode": 109110}]},
            Outcome(Kind.SENT),
        ),
        (400, {"errorcode": 109108}, Outcome(Kind.REFUSED, "sfmc_109108")),
        (400, {"errorcode": "109110"}, Outcome(Kind.REFUSED, "http_400")),
        (302, {}, Outcome(Kind.REFUSED, "http_302")),
        (503, {}, Outcome(Kind.UNCERTAIN, "http_503")),
    ],
)
def test_n3_an_error_code_in_the_answer_counts_more_than_its_status(status, answer, outcome):
    assert outcome_of(Answer(status, "", json.dumps(answer).encode())) == outcome


def test_n3_a_cut_connection_is_uncertain_and_a_repeat_settles_it(box):
    box.control(drop_rate=1.0)
    assert send(box.url, MESSAGE) == [Outcome(Kind.UNCERTAIN, "connection_cut")]
    box.control(drop_rate=0)
    assert send(box.url, MESSAGE)[0].kind == Kind.SENT
    assert of_sfmc(box)["accepted"] == 1


def test_n3_a_time_out_is_uncertain(box):
    box.control(latency_ms=1_000)
    assert send(box.url, MESSAGE, timeout=0.2) == [Outcome(Kind.UNCERTAIN, "timed_out")]


def test_n3_where_nothing_listens_nothing_was_accepted():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert send(address, MESSAGE) == [Outcome(Kind.RETRY_LATER, "no_connection")]


def test_n3_without_a_token_nothing_was_handed_over(box):
    assert send(box.url, MESSAGE, secret="wrong") == [Outcome(Kind.RETRY_LATER, "token_401")]
    assert of_sfmc(box)["requests"] == 0


def test_a_token_that_is_refused_is_renewed_once(box):
    box.control(token_uses=1)
    assert [outcome.kind for outcome in send(box.url, MESSAGE, MESSAGE)] == [Kind.SENT] * 2
    box.control(token_seconds=0.0)  # what is given is over at once
    assert send(box.url, MESSAGE) == [Outcome(Kind.REFUSED, "http_401")]
    assert of_sfmc(box)["by_status"]["401"] == 3


def test_n4_a_look_up_tells_what_was_accepted(box):
    send(box.url, MESSAGE)
    sender = provider(box.url)

    async def both(session):
        return [await sender.look_up(session, key) for key in ("key-1", "key-2")]

    found, missing = in_session(sender, both)
    assert found == Outcome(Kind.SENT, provider_id="request-1")
    # messages are found for three days only: what is not found may have been accepted
    assert missing == Outcome(Kind.UNCERTAIN, "not_in_log")


class Odd:
    """An API that gives tokens and then answers with `status` and `found`, or leads elsewhere."""

    def __init__(self, status, found, location=""):
        self.status, self.found, self.location = status, found, location

    async def handle(self, request):
        if request.path == "/v2/token":
            rest = f"http://{request.host}/"
            given = {"access_token": "t", "expires_in": 1_000, "rest_instance_url": rest}
            return web.json_response(given)
        if request.path == "/elsewhere":
            return web.json_response({"requestId": "r-1", "errorcode": 0})
        headers = {"Location": self.location} if self.location else None
        return web.json_response(self.found, status=self.status, headers=headers)


def with_odd(odd, work):
    async def run():
        runner = web.ServerRunner(web.Server(odd.handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sender = provider("http://{}:{}".format(*runner.addresses[0]))
        try:
            async with sender.open_session(5.0, 1) as session:
                return await work(sender, session)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def test_n3_the_answer_of_another_address_is_not_that_of_the_message():
    moved = Odd(302, {}, location="/elsewhere")
    outcome = with_odd(moved, lambda sender, session: sender.send(session, MESSAGE))
    assert outcome == Outcome(Kind.REFUSED, "http_302")


@pytest.mark.parametrize(
    ("status", "found", "outcome"),
    [
        (
            200,
            {"requestId": "r-1", "eventCategoryType": "TransactionalSendEvents.EmailQueued"},
            Outcome(Kind.SENT, provider_id="r-1"),
        ),
        (
            200,
            {"eventCategoryType": "TransactionalSendEvents.EmailNotSent"},
            Outcome(Kind.UNDELIVERABLE, "not_sent"),
        ),
        (200, {"eventCategoryType": ["x"]}, Outcome(Kind.UNCERTAIN, "http_200")),
        (500, {}, Outcome(Kind.UNCERTAIN, "http_500")),
    ],
)
def test_n4_a_look_up_settles_only_what_the_answer_says(status, found, outcome):
    odd = Odd(status, found)
    assert with_odd(odd, lambda sender, session: sender.look_up(session, "key-1")) == outcome


def test_n4_a_look_up_without_a_token_says_nothing(box):
    sender = provider(box.url, secret="wrong")
    answer = in_session(sender, lambda session: sender.look_up(session, "key-1"))
    assert answer == Outcome(Kind.UNCERTAIN, "look_up_failed")


def health(url, **made):
    sender = provider(url, **made)
    return in_session(sender, sender.check)


def test_x6_a_check_sends_nothing_and_says_what_is_wrong(box):
    assert health(box.url) == Health(is_well=True, detail="answers")
    wrong = [
        health(box.url, definition="unknown"),
        health(box.url, secret="wrong"),
        health("http://127.0.0.1:9"),
    ]
    assert [found.detail for found in wrong] == [
        "does not know the send definition",
        "refuses our client id and secret (HTTP 401)",
        "cannot be reached",
    ]
    assert not any(found.is_well for found in wrong)
    assert of_sfmc(box)["requests"] == 0


def test_n5_the_settings_say_whose_account_and_which_definition(box, settings):
    settings.SFMC_AUTH_URL, settings.SFMC_CLIENT_ID = box.url, "package"
    settings.SFMC_CLIENT_SECRET, settings.SFMC_DEFINITION_KEY = "sandbox", "codes"
    sender = from_settings()
    assert in_session(sender, lambda session: sender.send(session, MESSAGE)).kind == Kind.SENT
    assert box.messages("sfmc")[0]["definitionKey"] == "codes"
    assert sender.honours_keys
