"""Sessions to providers: limits of time, and the correlation id. [O-4]"""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from operations import correlation
from waves.providers.infobip.client import InfobipSms
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sessions import KEEP_ALIVE_SECONDS, handed_over, open_session
from waves.providers.sms_http.client import HttpSms
from waves.providers.twilio.client import TwilioSms


def test_a_session_is_as_it_is_asked_for():
    session = open_session(8.0, keep_alive_seconds=4.0)
    assert (session.timeout_seconds, session.keep_alive_seconds) == (8.0, 4.0)
    assert open_session().keep_alive_seconds == KEEP_ALIVE_SECONDS


@pytest.mark.parametrize(
    ("provider", "seconds"),
    [
        (TwilioSms("http://x", "a", "t", sender="s", reports="r"), 4.0),
        (HttpSms("http://x", "t"), KEEP_ALIVE_SECONDS),
        (HttpSms("http://x", "t", honours_keys=False), 4.0),
        (InfobipSms("http://x", "k", sender="s", honours_keys=False), 4.0),
    ],
)
def test_n3_where_a_lost_request_is_not_repeated_no_connection_is_idle_for_long(provider, seconds):
    assert provider.open_session().keep_alive_seconds == seconds


def test_o4_every_request_carries_the_correlation_id_of_whoever_sends():
    assert open_session().headers == {}
    with correlation.correlated("abc-1"):
        assert open_session().headers == {"X-Correlation-ID": "abc-1"}


def answered_with(status, **headers):
    """The outcome of a message whose POST is answered so; a GET is answered 200."""

    async def handle(request):
        return web.Response(status=status if request.method == "POST" else 200, headers=headers)

    async def run():
        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        async with open_session(5.0) as session:
            outcome = await handed_over(
                session,
                f"http://{host}:{port}/",
                lambda answer: Outcome(Kind.REFUSED, f"http_{answer.status}"),
                headers={},
                body=b"{}",
            )
        await runner.cleanup()
        return outcome

    return asyncio.run(run())


def test_n3_a_redirect_is_the_answer_to_a_message_and_is_not_followed():
    assert answered_with(302, Location="/elsewhere") == Outcome(Kind.REFUSED, "http_302")


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (503, {"Retry-After": "2"}, Outcome(Kind.RETRY_LATER, "http_503", after_seconds=2.0)),
        (503, {}, Outcome(Kind.UNCERTAIN, "http_503")),
        (429, {}, Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=1.0)),
        (502, {}, Outcome(Kind.UNCERTAIN, "http_502")),
    ],
)
def test_n3_only_an_answer_that_says_when_to_come_back_took_no_message(status, headers, outcome):
    assert answered_with(status, **headers) == outcome
