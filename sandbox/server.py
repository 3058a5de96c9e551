"""One server, one process, every provider's contract, and three addresses for tests: `/control`,
`/received` and `/arrivals`.

`POST /control` changes options (behaviour.py). `GET /received?after=0&limit=1000` counts what came
and lists the accepted messages in pages, those of SMS or with `of=sfmc`, `of=postmark`,
`of=twilio` and `of=infobip` of another provider; `DELETE /received` forgets it all. `GET /arrivals`
lists when each request to send came, by provider, in seconds of the server's own clock.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

from aiohttp import web

from sandbox.behaviour import BadOption, Behaviour, Dice
from sandbox.codes import CodeService
from sandbox.drand import DrandServer
from sandbox.gateway import Gateway, answer
from sandbox.providers.infobip import InfobipApi
from sandbox.providers.postmark import PostmarkApi
from sandbox.providers.sfmc import MarketingCloudApi
from sandbox.providers.twilio import TwilioApi
from sandbox.receipts import ReceiptPost
from sandbox.sms import SmsGateway

MOST_IN_A_PAGE = 10_000


class Sandbox:
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.receipts = ReceiptPost(behaviour)
        self.gateways: dict[str, Gateway] = {
            "sms": SmsGateway(behaviour, self.receipts),
            "sfmc": MarketingCloudApi(behaviour, self.receipts),
            "postmark": PostmarkApi(behaviour),
            "twilio": TwilioApi(behaviour, self.receipts),
            "infobip": InfobipApi(behaviour, self.receipts),
        }
        self.codes = CodeService(behaviour)
        self.drand = DrandServer()
        self.slack: list[Any] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Routing by hand: aiohttp's router would take a fifth of the time of a request."""
        path, method = request.path, request.method
        for gateway in self.gateways.values():
            if (answered := await gateway.handle(request)) is not None:
                return answered
        if path.startswith("/codes/") and method == "POST":
            return await self.codes.post(request, path.removeprefix("/codes/"))
        if path.startswith("/drand/") and method == "GET":
            return await self.drand.get(request)
        if path.startswith("/slack") and method == "POST":
            self.slack.append(json.loads(await request.read()))
            return web.Response(text="ok")
        return await self._test_doors(request, path, method)

    async def _test_doors(self, request: web.BaseRequest, path: str, method: str) -> web.Response:
        if path == "/control" and method == "POST":
            return self._control(await request.read())
        if path == "/received" and method == "GET":
            return answer(200, self._received(request))
        if path == "/received" and method == "DELETE":
            for gateway in self.gateways.values():
                gateway.forget()
            self.slack.clear()
            return answer(200, {})
        if path == "/arrivals" and method == "GET":
            instants = {name: box.arrivals.tolist() for name, box in self.gateways.items()}
            return answer(200, instants)
        return answer(404, {"error": f"nothing answers {method} {path}"})

    def _control(self, raw: bytes) -> web.Response:
        try:
            options = json.loads(raw)
            self.behaviour.change(options)
        except (BadOption, ValueError, AttributeError) as error:
            return answer(400, {"error": str(error)})
        if "seed" in options:
            for gateway in self.gateways.values():
                gateway.dice = Dice(self.behaviour.seed)
        return answer(200, dataclasses.asdict(self.behaviour))

    def _received(self, request: web.BaseRequest) -> dict[str, Any]:
        after = int(request.query.get("after", "0"))
        limit = min(int(request.query.get("limit", "0")), MOST_IN_A_PAGE)
        messages = self.gateways[request.query.get("of", "sms")].messages
        page = messages[after : after + limit]
        return {name: gateway.counts() for name, gateway in self.gateways.items()} | {
            "slack": {"posts": len(self.slack), "last": self.slack[-1] if self.slack else None},
            "codes": self.codes.counts(),
            "receipts": self.receipts.counts(),
            "drand": dict(self.drand.asked),
            "messages": page,
            "next": after + len(page) if page and after + len(page) < len(messages) else None,
        }


async def serve(behaviour: Behaviour, host: str, port: int, *, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; the first line printed is the address."""
    box = Sandbox(behaviour)
    runner = web.ServerRunner(web.Server(box.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=1024).start()
    posting = asyncio.create_task(box.receipts.run())
    address = runner.addresses[0]
    print(f"http://{address[0]}:{address[1]}", flush=True)  # noqa: T201 this line is the interface
    await stop.wait()
    posting.cancel()
    await runner.cleanup()
