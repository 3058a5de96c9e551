"""What the gateway's answers mean, over real connections to the sandbox. [N-3, N-4]"""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

import sandbox
from waves.providers.contract import About, SmsMessage
from waves.providers.outcomes import Kind
from waves.providers.sessions import open_session
from waves.providers.sms_http.client import HttpSms, from_settings

ABOUT = About("tour", "tour_20260120", "2026-01-20", "west", "corr-0001")
MESSAGE = SmsMessage("key-1", "+12025550123", "Your code", ABOUT)


@pytest.fixture(scope="module")
def box():
    with sandbox.running(latency_ms=1) as running:
        yield running


@pytest.fixture(autouse=True)
def behaved(box):
    box.control(latency_ms=1, fail_rates={}, drop_rate=0, retry_after_seconds=1, honour_keys=True)
    box.forget()


def send(url, *messages, token="sandbox", timeout=5.0):  # noqa: S107
    async def run():
        provider = HttpSms(url, token)
        async with open_session(timeout) as session:
            return [await provider.send(session, message) for message in messages]

    return asyncio.run(run())


def test_an_accepted_message_is_sent_and_keeps_the_providers_id(box):
    [outcome] = send(box.url, MESSAGE)
    assert (outcome.kind, outcome.provider_id) == (Kind.SENT, "sms-1")
    [received] = box.messages()
    assert (received["to"], received["body"], received["reference"]) == (
        MESSAGE.to,
        MESSAGE.body,
        MESSAGE.key,
    )


def test_n1_a_request_names_what_its_message_belongs_to_in_fields_of_its_own(box):
    send(box.url, MESSAGE)
    [received] = box.messages()
    names = ("campaignId", "wave", "waveDate", "marketId", "correlation_id")
    assert [received[name] for name in names] == list(ABOUT)


def test_n4_the_same_key_twice_is_accepted_once(box):
    """Also by another job, with a correlation id of its own."""
    again = MESSAGE._replace(about=ABOUT._replace(correlation_id="corr-0002"))
    first, second = send(box.url, MESSAGE, again)
    assert first == second
    assert box.received()["sms"]["accepted"] == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, Kind.RATE_LIMITED),
        (503, Kind.RETRY_LATER),
        (500, Kind.UNCERTAIN),
        (502, Kind.UNCERTAIN),
        (400, Kind.REFUSED),
        (404, Kind.REFUSED),
    ],
)
def test_n3_each_status_has_its_meaning(box, status, kind):
    box.control(fail_rates={str(status): 1.0})
    [outcome] = send(box.url, MESSAGE)
    assert (outcome.kind, outcome.reason) == (kind, f"http_{status}")


def test_n3_a_503_without_retry_after_may_have_been_accepted(box):
    box.control(fail_rates={"503": 1.0}, retry_after_seconds=0)
    assert send(box.url, MESSAGE)[0].kind == Kind.UNCERTAIN


def test_n3_retry_after_is_what_the_provider_says(box):
    box.control(fail_rates={"429": 1.0}, retry_after_seconds=2.5)
    assert send(box.url, MESSAGE)[0].after_seconds == 2.5


def test_a_wrong_token_is_refused(box):
    assert send(box.url, MESSAGE, token="wrong")[0].reason == "http_401"


def test_n3_a_cut_connection_is_uncertain(box):
    box.control(drop_rate=1.0)
    assert send(box.url, MESSAGE)[0].kind == Kind.UNCERTAIN
    assert box.received()["sms"]["accepted"] == 1


def test_n3_a_time_out_is_uncertain(box):
    box.control(latency_ms=1_000)
    [outcome] = send(box.url, MESSAGE, timeout=0.1)
    assert (outcome.kind, outcome.reason) == (Kind.UNCERTAIN, "timed_out")


def test_n3_nobody_listening_was_not_accepted():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert send(address, MESSAGE)[0].kind == Kind.RETRY_LATER


def test_n4_a_look_up_tells_what_was_accepted(box):
    async def look_up(*references):
        provider = HttpSms(box.url, "sandbox")
        async with open_session() as session:
            return [await provider.look_up(session, reference) for reference in references]

    send(box.url, MESSAGE)
    found, missing = asyncio.run(look_up(MESSAGE.key, "key-2"))
    assert (found.kind, found.provider_id) == (Kind.SENT, "sms-1")
    assert (missing.kind, missing.reason) == (Kind.REFUSED, "not_accepted")


def test_the_settings_say_where_the_gateway_is_and_whether_it_honours_keys(box, settings):
    settings.SMS_URL, settings.SMS_HONOURS_KEYS = box.url, False

    async def run():
        provider = from_settings()
        async with open_session() as session:
            return provider.honours_keys, await provider.send(session, MESSAGE)

    honours_keys, outcome = asyncio.run(run())
    assert (honours_keys, outcome.kind) == (False, Kind.SENT)


def health(url, token="sandbox"):  # noqa: S107
    async def run():
        async with open_session(2.0) as session:
            return await HttpSms(url, token).check(session)

    return asyncio.run(run())


def test_x6_a_check_sends_nothing_and_says_what_is_wrong(box):
    assert health(box.url) == (True, "answers")
    assert health(box.url, "wrong") == (False, "refuses our credentials (HTTP 401)")
    box.control(fail_rates={"503": 1})
    assert health(box.url) == (False, "reports an error (HTTP 503)")
    assert health("http://127.0.0.1:9") == (False, "cannot be reached")
    assert box.received()["sms"]["requests"] == 0


def test_x6_a_gateway_without_that_address_is_there(box):
    assert health(f"{box.url}/gateway") == (True, "answers")


def redirected(location):
    """What a message, a look-up and a check come to at a gateway that sends each of them elsewhere,
    and which addresses were asked.
    """
    asked = []

    async def handle(request):
        asked.append(request.path)
        if request.path == "/elsewhere":
            return web.Response(text="{}")
        return web.Response(status=302, headers={"Location": location})

    async def run():
        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        provider = HttpSms(f"http://{host}:{port}", "sandbox")
        async with open_session(5.0) as session:
            found = [
                await provider.send(session, MESSAGE),
                await provider.look_up(session, "key-1"),
                await provider.check(session),
            ]
        await runner.cleanup()
        return found

    return asyncio.run(run()), asked


@pytest.mark.parametrize("location", ["/elsewhere", "http://["])
def test_n3_a_redirect_is_not_followed_wherever_it_leads(location):
    """A message would arrive there as a GET, whose 200 says nothing of it."""
    (sent, found, health), asked = redirected(location)
    assert (sent.kind, sent.reason) == (Kind.REFUSED, "http_302")
    assert (found.kind, found.reason) == (Kind.UNCERTAIN, "http_302")
    assert health == (False, "reports an error (HTTP 302)")
    assert asked == ["/sms", "/sms/by-reference/key-1", "/sms/health"]
