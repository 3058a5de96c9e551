"""The SMS gateway.

`POST /sms` with a bearer token, JSON `to, body, reference` (and `campaignId, wave, waveDate,
marketId`, which are kept) and optionally `Idempotency-Key` and `X-Correlation-ID` answers 201
`{"id": …}`. A key seen before answers 200 with the first result and is not accepted again; with
another body it is a 422. `GET /sms/by-reference/X` answers what was accepted under that reference.
`GET /sms/health` with the token answers 200, or the status with which every
message is told to fail; it accepts nothing.
A header `X-Request-Start: t=<microseconds>` is kept as the sender's own time.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.behaviour import Behaviour
from sandbox.gateway import Gateway, answer
from sandbox.receipts import ReceiptPost

FIELDS = ("to", "body", "reference")
BY_REFERENCE = "/sms/by-reference/"


class SmsGateway(Gateway):
    def __init__(self, behaviour: Behaviour, receipts: ReceiptPost) -> None:
        self.receipts = receipts
        super().__init__(behaviour)

    def forget(self) -> None:
        super().forget()
        self._first_by_key: dict[str, tuple[bytes, str]] = {}
        self._by_reference: dict[str, dict[str, Any]] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse | None:
        path, method = request.path, request.method
        if path == "/sms" and method == "POST":
            return await self.post(request)
        if path == "/sms/health" and method == "GET":
            return self.health(request)
        if path.startswith(BY_REFERENCE) and method == "GET":
            return self.by_reference(path.removeprefix(BY_REFERENCE))
        return None

    def take(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        if key and self.behaviour.honour_keys and (first := self._first_by_key.get(key)):
            if first[0] != raw:
                return answer(422, {"error": "this key was used with another message"})
            self.repeats += 1
            return answer(200, {"id": first[1]})
        message = _parsed(raw)
        if message is None:
            return answer(400, {"error": f"expected JSON with {', '.join(FIELDS)}"})
        message["correlation_id"] = request.headers.get("X-Correlation-ID", "")
        return self._accept(message, key, raw)

    def _accept(self, message: dict[str, Any], key: str, raw: bytes) -> web.Response:
        number = len(self.messages) + 1
        message["id"] = f"sms-{number}"
        message["key"] = key
        self.messages.append(message)
        self._by_reference[message["reference"]] = message
        if key:
            self.accepted_by_key[key] += 1
            self._first_by_key.setdefault(key, (raw, message["id"]))
        if self.behaviour.receipts:
            undeliverable = self.dice.hits(self.behaviour.undeliverable_rate)
            self.receipts.add(
                message["id"],
                message["reference"],
                "undeliverable" if undeliverable else "delivered",
            )
        return answer(201, {"id": message["id"]})

    def health(self, request: web.BaseRequest) -> web.Response:
        if not self.is_allowed(request):
            return answer(401, {"error": "bad token"})
        # what fails now and then is well, and takes no chance from the messages
        down = [int(status) for status, rate in self.behaviour.fail_rates.items() if rate >= 1]
        return answer(down[0] if down else 200, {"status": "failing" if down else "ok"})

    def by_reference(self, reference: str) -> web.Response:
        found = self._by_reference.get(reference)
        return (
            answer(200, {"id": found["id"], "reference": reference})
            if found
            else answer(404, {"error": "unknown"})
        )


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(raw)
    except ValueError:
        return None
    fits = isinstance(message, dict) and all(isinstance(message.get(name), str) for name in FIELDS)
    return message if fits else None
