"""One token for all requests of a run, renewed before it ends. [N-5]"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from waves.providers.answers import Answer
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sfmc.session import Credentials, NoToken, Session, read_access


class TokenServer:
    """Gives out tokens, each once `gate` is open, and counts what was asked."""

    def __init__(self, *, status=200, seconds=1_000.0, headers=None):
        self.asked, self.gate = [], asyncio.Event()
        self.status, self.seconds, self.headers = status, seconds, headers
        self.gate.set()

    async def handle(self, request):
        self.asked.append((request.path, await request.json()))
        await self.gate.wait()
        found = {
            "access_token": f"t{len(self.asked)}",
            "expires_in": self.seconds,
            "rest_instance_url": f"http://{request.host}/",
        }
        return web.json_response(found, status=self.status, headers=self.headers)


@asynccontextmanager
async def serving(server, account="510000"):
    runner = web.ServerRunner(web.Server(server.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    credentials = Credentials(f"http://{host}:{port}/", "package", "secret", account)
    try:
        async with Session(credentials, 5.0) as session:
            yield session
    finally:
        await runner.cleanup()


def test_all_that_need_a_token_wait_for_the_same_one():
    async def run():
        server = TokenServer()
        server.gate.clear()
        async with serving(server) as session:
            asking = [asyncio.create_task(session.access()) for _ in range(50)]
            while not server.asked:
                await asyncio.sleep(0.001)
            asking[0].cancel()  # one that gives up leaves the others theirs
            server.gate.set()
            got = await asyncio.gather(*asking[1:])
            again = await session.access()
        return {access.token for access in got} | {again.token}, server.asked

    tokens, asked = asyncio.run(run())
    assert tokens == {"t1"}
    [(path, body)] = asked
    assert path == "/v2/token"
    assert body == {
        "grant_type": "client_credentials",
        "client_id": "package",
        "client_secret": "secret",
        "account_id": "510000",
    }


def test_the_failure_of_one_request_is_the_answer_to_all_that_wait():
    async def run():
        server = TokenServer(status=401)
        server.gate.clear()
        async with serving(server, account="") as session:
            asking = [asyncio.create_task(session.access()) for _ in range(50)]
            while not server.asked:
                await asyncio.sleep(0.001)
            server.gate.set()
            return await asyncio.gather(*asking, return_exceptions=True), server.asked

    answers, asked = asyncio.run(run())
    assert {answer.outcome for answer in answers} == {Outcome(Kind.RETRY_LATER, "token_401")}
    assert [list(body) for _, body in asked] == [["grant_type", "client_id", "client_secret"]]


def test_a_token_is_renewed_before_it_ends():
    async def run():
        server = TokenServer(seconds=0.0)
        async with serving(server) as session:
            first = await session.access()
            server.seconds = 1_000.0
            second, third = await session.access(), await session.access()
            return [access.token for access in (first, second, third)]

    assert asyncio.run(run()) == ["t1", "t2", "t2"]


def test_only_the_token_that_was_refused_is_given_up():
    async def run():
        server = TokenServer()
        async with serving(server) as session:
            first = await session.access()
            session.refused(first.token)
            second = await session.access()
            session.refused(first.token)  # the answer to a request that began earlier
            return second.token, (await session.access()).token

    assert asyncio.run(run()) == ("t2", "t2")


def test_n3_too_many_requests_for_tokens_hold_all_sending_off():
    async def run():
        async with serving(TokenServer(status=429, headers={"Retry-After": "7"})) as session:
            with pytest.raises(NoToken) as missing:
                await session.access()
            return missing.value.outcome

    assert asyncio.run(run()) == Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=7.0)


GOOD = {"access_token": "t", "expires_in": 1_079, "rest_instance_url": "https://x.example/"}


def test_a_token_is_used_until_a_minute_before_it_ends():
    access = read_access(Answer(200, "", json.dumps(GOOD).encode()), now=5.0)
    assert access == ("t", "https://x.example", 5.0 + 1_079 - 60)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps(GOOD | {"expires_in": "soon"}).encode(),
        json.dumps(GOOD | {"expires_in": 1e300}).encode(),
        json.dumps(GOOD | {"access_token": None}).encode(),
        json.dumps(GOOD | {"access_token": "t\n"}).encode(),
        json.dumps(GOOD | {"rest_instance_url": "file:///etc"}).encode(),
    ],
)
def test_an_answer_that_cannot_be_read_gives_no_token(answer):
    with pytest.raises(NoToken) as missing:
        read_access(Answer(200, "", answer), now=0.0)
    assert missing.value.outcome == Outcome(Kind.RETRY_LATER, "token_unreadable")
