"""What every provider of messages in the sandbox does: it is late, refuses, limits, drops and
counts as the behaviour says. `handle` and `take` are a provider's own.
"""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from typing import Any

from aiohttp import web

from sandbox.behaviour import Behaviour, Dice, Gauge, RateLimit, most_in_a_second


def answer(status: int, value: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(value).encode(),
        headers=headers,
        content_type="application/json",
    )


class Gateway(ABC):
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.dice = Dice(behaviour.seed)
        self.forget()

    def forget(self) -> None:
        """As new: nothing received, nothing counted."""
        self.gauge = Gauge()
        self.arrivals = array("d")
        self.limit = RateLimit()
        self.messages: list[dict[str, Any]] = []
        self.statuses: Counter[int] = Counter()
        self.accepted_by_key: Counter[str] = Counter()
        self.repeats = 0
        self.dropped = 0
        self._started: list[float] = []

    @abstractmethod
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """The answer to a request; None for an address that is not of this provider."""

    async def post(self, request: web.BaseRequest) -> web.StreamResponse:
        now = time.monotonic()
        self.gauge.enter(now)
        self.arrivals.append(now)
        if started := request.headers.get("X-Request-Start"):
            self._started.append(int(started.removeprefix("t=")) / 1e6)
        try:
            response = self._refusal(request) or self.take(request, await request.read())
            await asyncio.sleep(self.dice.latency_seconds(self.behaviour))
        finally:
            self.gauge.leave()
        self.statuses[response.status] += 1
        if response.status < 300 and self.dice.hits(self.behaviour.drop_rate):
            self.dropped += 1
            if request.transport is not None:
                request.transport.abort()
        return response

    @abstractmethod
    def take(self, request: web.BaseRequest, raw: bytes) -> web.Response:
        """What is answered to a message."""

    def is_allowed(self, request: web.BaseRequest) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.behaviour.token}"

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        """What is answered without looking at the message; nothing is accepted then."""
        behaviour = self.behaviour
        if not self.is_allowed(request):
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
