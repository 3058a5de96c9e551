"""Requests and the connections that they go over. [N-2, N-3]"""

from __future__ import annotations

import asyncio
import socket
import ssl

import aiohappyeyeballs
import pytest

from tests.waves.providers.raw_server import raw_server
from waves.providers import http_session
from waves.providers.answers import BadAddress, NoConnection, TimedOut
from waves.providers.http_session import HttpSession, tls
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sessions import handed_over

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def after(work, *answers, **options):
    """What `work(session, server)` gives."""

    async def run():
        async with raw_server(*answers) as raw, HttpSession(5.0, **options) as session:
            return await work(session, raw)

    return asyncio.run(run())


def test_a_request_is_written_as_it_is_asked():
    async def work(session, raw):
        own = {"Idempotency-Key": "k-1", "X-One": "own"}
        await session.ask("POST", f"{raw.url}/sms?a=b", headers=own, body=b"{}")
        await session.ask("GET", raw.url, headers={})
        return raw.url.removeprefix("http://"), [each.decode() for each in raw.requests]

    host, (post, get) = after(work, OK, OK, headers={"X-One": "all", "X-Two": "all"})
    named = f"Host: {host}\r\nUser-Agent: Fairwave\r\nAccept: */*\r\n"
    assert post == (
        f"POST /sms?a=b HTTP/1.1\r\n{named}X-One: own\r\nX-Two: all\r\nIdempotency-Key: k-1\r\n"
        "Content-Length: 2\r\n\r\n{}"
    )
    assert get == f"GET / HTTP/1.1\r\n{named}X-One: all\r\nX-Two: all\r\n\r\n"


def test_requests_at_once_have_a_connection_each_and_later_ones_none_of_their_own():
    async def work(session, raw):
        for _ in range(3):
            await asyncio.gather(*(session.ask("GET", raw.url, headers={}) for _ in range(5)))
        return raw.connections

    assert after(work, *[OK] * 15) == 5


def test_a_connection_that_is_idle_for_long_is_not_used_again():
    async def work(session, raw):
        for _ in range(2):
            await session.ask("GET", raw.url, headers={})
        return raw.connections

    assert after(work, OK, OK, keep_alive_seconds=-1.0) == 2
    assert after(work, OK, OK, keep_alive_seconds=60.0) == 1


def test_n3_a_late_answer_is_nobodys():
    async def work(session, raw):
        await session.ask("GET", raw.url, headers={})
        session.timeout_seconds = 0.05
        with pytest.raises(TimedOut):
            await session.ask("GET", raw.url, headers={})
        session.timeout_seconds = 5.0
        raw.answers = [OK]
        return (await session.ask("GET", raw.url, headers={})).status, raw.connections

    assert after(work, OK) == (200, 2)


def test_a_request_that_is_given_up_leaves_no_connection_behind():
    async def work(session, raw):
        asking = asyncio.create_task(session.ask("GET", raw.url, headers={}))
        while not raw.requests:
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        raw.answers = [OK]
        await session.ask("GET", raw.url, headers={})
        return raw.connections

    assert after(work) == 2


class LookedUp:
    """Look-ups, each of which does what `meanwhile` does before it has its answer."""

    def __init__(self, monkeypatch, meanwhile):
        loop, self.count = asyncio.get_running_loop(), 0
        find = loop.getaddrinfo

        async def found(*args, **options):
            self.count += 1
            await meanwhile()
            return await find(*args, **options)

        monkeypatch.setattr(loop, "getaddrinfo", found)


def test_n3_a_name_whose_look_up_takes_longer_than_connecting_may_is_looked_up_once(monkeypatch):
    """And all requests that wait for it are answered."""
    monkeypatch.setattr(http_session, "CONNECT_SECONDS", 0.01)

    async def slow():
        await asyncio.sleep(0.1)
        monkeypatch.setattr(http_session, "CONNECT_SECONDS", 5.0)  # now it may take its time

    async def work(session, raw):
        looked_up = LookedUp(monkeypatch, slow)
        asking = [session.ask("GET", raw.url, headers={}) for _ in range(5)]
        return [each.status for each in await asyncio.gather(*asking)], looked_up.count

    assert after(work, *[OK] * 5) == ([200] * 5, 1)


def test_n3_what_is_looked_up_is_kept_though_the_request_that_needed_it_ended(monkeypatch):
    async def work(session, raw):
        found = asyncio.Event()
        looked_up = LookedUp(monkeypatch, found.wait)
        session.timeout_seconds = 0.01
        for _ in range(2):
            with pytest.raises(NoConnection):
                await session.ask("GET", raw.url, headers={})
        session.timeout_seconds = 5.0
        found.set()
        return (await session.ask("GET", raw.url, headers={})).status, looked_up.count

    assert after(work, OK) == (200, 1)


def test_n3_a_name_that_is_not_found_any_more_leads_where_it_led(monkeypatch):
    monkeypatch.setattr(http_session, "ADDRESSES_LAST_SECONDS", -1.0)

    async def gone():
        raise socket.gaierror

    async def work(session, raw):
        await session.ask("GET", raw.url, headers={})
        looked_up = LookedUp(monkeypatch, gone)
        found = [await session.ask("GET", raw.url, headers={}) for _ in range(2)]
        with pytest.raises(NoConnection):
            await session.ask("GET", raw.url.replace("127.0.0.1", "localhost"), headers={})
        return [each.status for each in found], looked_up.count

    assert after(work, OK, OK, OK, keep_alive_seconds=-1.0) == ([200] * 2, 3)


@pytest.mark.parametrize("error", [RuntimeError("bad transport"), OSError("no route")])
def test_n3_whatever_connecting_raises_is_that_messages_outcome_and_the_others_are_sent(
    monkeypatch, error
):
    connect, errors = aiohappyeyeballs.start_connection, [error]

    async def connected(*args, **options):
        if errors:
            raise errors.pop()
        return await connect(*args, **options)

    def sent(answer):
        return Outcome(Kind.SENT)

    async def work(session, raw):
        monkeypatch.setattr(aiohappyeyeballs, "start_connection", connected)
        messages = [handed_over(session, raw.url, sent, headers={}, body=b"{}") for _ in range(3)]
        return [outcome.reason or outcome.kind for outcome in await asyncio.gather(*messages)]

    assert after(work, OK, OK) == ["no_connection", Kind.SENT, Kind.SENT]


def test_n3_without_a_connection_nothing_was_asked():
    async def refused(session, raw):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{closed.getsockname()[1]}"
            with pytest.raises(NoConnection):
                await session.ask("GET", address, headers={})

    async def not_tls(session, raw):
        with pytest.raises(NoConnection):
            await session.ask("GET", raw.url.replace("http:", "https:"), headers={})
        return raw.requests

    after(refused)
    assert after(not_tls) == []
    assert (tls().verify_mode, tls().check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    "address",
    ["", "no address", "ftp://x", "http://", "http://:80/", "http://user@x/", "http://x:port/",
     "http://x/a b", "http://x/a\r\nX: y", "http://x/é", "http://x/#a"],
)  # fmt: skip
def test_an_address_that_is_none_is_said(address):
    async def work(session, raw):
        with pytest.raises(BadAddress):
            await session.ask("GET", address, headers={})

    after(work)


@pytest.mark.parametrize("value", ["a\nX-Other: b", "a\r", "\n"])
def test_no_value_begins_a_header_of_its_own(value):
    async def work(session, raw):
        with pytest.raises(ValueError, match="line break"):
            await session.ask("GET", raw.url, headers={"X": value})
        return raw.requests

    assert after(work) == []
