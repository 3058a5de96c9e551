"""A drand server: recorded rounds of the real default chain, as drand's HTTP API gives them.

/drand/{chain hash}/public/{round}         a recorded round, 404 for any other
/drand/{how}/{chain hash}/public/{round}   the same from a server that is slow, wrong, cut,
                                           empty, endless, broken or moved
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.gateway import answer

CHAIN = "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce"
ROUNDS: dict[int, dict[str, Any]] = {
    each["round"]: each
    for each in json.loads(Path(__file__).with_name("drand_rounds.json").read_bytes())
}
SLOW_SECONDS = 0.2  # from one byte to the next
PIECE = b"x" * 65_536

Fault = Callable[[web.BaseRequest, dict[str, Any]], Awaitable[web.StreamResponse]]


class DrandServer:
    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._faults: dict[str, Fault] = {
            "slow": self.slow,
            "wrong": self.wrong,
            "cut": self.cut,
            "empty": self.empty,
            "endless": self.endless,
            "broken": self.broken,
            "moved": self.moved,
        }

    async def get(self, request: web.BaseRequest) -> web.StreamResponse:
        how, chain, number = _parts(request.path)
        self.asked[how or "honest"] += 1
        found = ROUNDS.get(number)
        if chain != CHAIN or found is None or (how and how not in self._faults):
            return answer(404, {"error": "there is no such round"})
        return await self._faults[how](request, found) if how else answer(200, found)

    async def slow(self, request: web.BaseRequest, found: dict[str, Any]) -> web.StreamResponse:
        async def bytes_of_it(response: web.StreamResponse) -> None:
            for byte in json.dumps(found).encode():
                await response.write(bytes([byte]))
                await asyncio.sleep(SLOW_SECONDS)

        return await _streamed(request, bytes_of_it)

    async def wrong(self, request: web.BaseRequest, found: dict[str, Any]) -> web.StreamResponse:
        """Another round, under the number that was asked for."""
        other = next(each for number, each in ROUNDS.items() if number not in (1, found["round"]))
        kept = {name: found[name] for name in ("round", "previous_signature")}
        return answer(200, other | kept)

    async def cut(self, request: web.BaseRequest, found: dict[str, Any]) -> web.StreamResponse:
        async def half_of_it(response: web.StreamResponse) -> None:
            content = json.dumps(found).encode()
            await response.write(content[: len(content) // 2])
            if request.transport is not None:
                request.transport.close()

        return await _streamed(request, half_of_it)

    async def empty(self, request: web.BaseRequest, found: dict[str, Any]) -> web.StreamResponse:
        return web.Response()

    async def endless(self, request: web.BaseRequest, found: dict[str, Any]) -> web.StreamResponse:
        async def more_and_more(response: web.StreamResponse) -> None:
            while True:
                await response.write(PIECE)

        return await _streamed(request, more_and_more)

    async def broken(self, request: web.BaseRequest, found: dict[str, Any]) -> web.StreamResponse:
        return answer(500, {"error": "told to fail"})

    async def moved(self, request: web.BaseRequest, found: dict[str, Any]) -> web.StreamResponse:
        honest = f"/drand/{CHAIN}/public/{found['round']}"
        return web.Response(status=302, headers={"Location": honest})


def _parts(path: str) -> tuple[str, str, int]:
    """How the server behaves, the chain and the round; 0 where there is no number."""
    *how, chain, _, number = ("", "", "", *path.removeprefix("/drand/").split("/"))
    return "".join(how), chain, int(number) if number.isdecimal() else 0


async def _streamed(
    request: web.BaseRequest, write: Callable[[web.StreamResponse], Awaitable[None]]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    try:
        await write(response)
        await response.write_eof()
    except ConnectionError:  # who asked had enough
        pass
    return response
