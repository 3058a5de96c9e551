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

import asyncio
import json
import time
from collections import Counter
from typing import Any

from aiohttp import web

from sandbox.behaviour import Behaviour, Dice, Gauge, RateLimit, most_in_a_second
from sandbox.receipts import ReceiptPost

FIELDS = ("to", "body", "reference")


def answer(status: int, value: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(value).encode(),
        headers=headers,
        content_type="application/json",
    )


class SmsGateway:
    def __init__(self, behaviour: Behaviour, receipts: ReceiptPost) -> None:
        self.behaviour = behaviour
        self.receipts = receipts
        self.dice = Dice(behaviour.seed)
        self.forget()

    def forget(self) -> None:
        """As new: nothing received, nothing counted."""
        self.gauge = Gauge()
        self.limit = RateLimit()
        self.messages: list[dict[str, Any]] = []
        self.statuses: Counter[int] = Counter()
        self.accepted_by_key: Counter[str] = Counter()
        self.repeats = 0
        self.dropped = 0
        self._first_by_key: dict[str, tuple[bytes, str]] = {}
        self._by_reference: dict[str, dict[str, Any]] = {}
        self._started: list[float] = []

    async def post(self, request: web.BaseRequest) -> web.StreamResponse:
        self.gauge.enter(time.monotonic())
        if started := request.headers.get("X-Request-Start"):
            self._started.append(int(started.removeprefix("t=")) / 1e6)
        try:
            response = self._refusal(request) or self._take(request, await request.read())
            await asyncio.sleep(self.dice.latency_seconds(self.behaviour))
        finally:
            self.gauge.leave()
        self.statuses[response.status] += 1
        if response.status < 300 and self.dice.hits(self.behaviour.drop_rate):
            self.dropped += 1
            if request.transport is not None:
                request.transport.abort()
        return response

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        """What is answered without looking at the message; nothing is accepted then."""
        behaviour = self.behaviour
        if request.headers.get("Authorization") != f"Bearer {behaviour.token}":
            return answer(401, {"error": "bad token"})
        status = self.dice.refusal(behaviour.fail_rates)
        limit = behaviour.rate_limit_per_second
        if limit and not self.limit.passes(time.monotonic(), limit):
            status = 429
        if not status:
            return None
        patience = behaviour.retry_after_seconds
        headers = {"Retry-After": f"{patience:g}"} if patience and status in {429, 503} else None
        return answer(status, {"error": "told to fail"}, headers)

    def _take(self, request: web.BaseRequest, raw: bytes) -> web.Response:
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
        if request.headers.get("Authorization") != f"Bearer {self.behaviour.token}":
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

    def counts(self) -> dict[str, Any]:
        """What `GET /received` says about the gateway."""
        return {
            "requests": sum(self.statuses.values()),
            "accepted": len(self.messages),
            "repeats": self.repeats,
            "dropped": self.dropped,
            "by_status": {str(status): number for status, number in sorted(self.statuses.items())},
            "keys": len(self.accepted_by_key),
            "keys_accepted_twice": sum(number > 1 for number in self.accepted_by_key.values()),
            "max_concurrency": self.gauge.most_running,
            "max_per_second": self.gauge.most_in_a_second,
            "max_started_per_second": most_in_a_second(self._started),
        }


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(raw)
    except ValueError:
        return None
    fits = isinstance(message, dict) and all(isinstance(message.get(name), str) for name in FIELDS)
    return message if fits else None
