"""Signed delivery receipts, posted in the background as a gateway does: some while after the
message, in batches, or as a provider of its own writes and signs them.

The body of a batch is `{"receipts": [{"id", "reference", "status"}, …]}`; the header `X-Signature:
t=<unix seconds>,v1=<hex>` carries the HMAC-SHA256 of the timestamp, a full stop and the body, under
the shared secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

import aiohttp

from sandbox.behaviour import Behaviour

BATCH = 200
PAUSE_SECONDS = 0.05
TRIES = 5


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of X-Signature."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={mac.hexdigest()}"


class ReceiptPost:
    """Collects receipts and posts them while `run` runs. A receipt that nobody takes is given up
    after some tries.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.posted = 0
        self.given_up = 0
        self._waiting: list[dict[str, str]] = []
        self._written: deque[tuple[str, bytes, Mapping[str, str]]] = deque()

    def add_written(self, address: str, body: bytes, headers: Mapping[str, str]) -> None:
        """One that its provider wrote and signed, for this address."""
        self._written.append((address, body, headers))

    def add(self, message_id: str, reference: str, status: str) -> None:
        self._waiting.append({"id": message_id, "reference": reference, "status": status})

    def counts(self) -> dict[str, int]:
        waiting = len(self._waiting) + len(self._written)
        return {"posted": self.posted, "given_up": self.given_up, "waiting": waiting}

    async def run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                await asyncio.sleep(PAUSE_SECONDS)
                if self._waiting and self.behaviour.receipt_url:
                    batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                    await self._post_batch(session, batch)
                for _ in range(min(BATCH, len(self._written))):
                    address, body, headers = self._written.popleft()
                    await self._post(session, address, body, partial(dict, headers), 1)

    async def _post_batch(
        self, session: aiohttp.ClientSession, batch: list[dict[str, str]]
    ) -> None:
        body = json.dumps({"receipts": batch}).encode()
        secret = self.behaviour.receipt_secret
        await self._post(
            session,
            self.behaviour.receipt_url,
            body,
            lambda: {
                "Content-Type": "application/json",
                "X-Signature": signature(secret, int(time.time()), body),
            },
            len(batch),
        )

    async def _post(
        self,
        session: aiohttp.ClientSession,
        address: str,
        body: bytes,
        headers: Callable[[], Mapping[str, str]],
        number: int,
    ) -> None:
        """Receipts come at least once, as from any gateway. Each try is signed anew."""
        for attempt in range(TRIES):
            try:
                async with session.post(address, data=body, headers=headers()) as response:
                    if response.status < 300:
                        self.posted += number
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass  # tried again below
            await asyncio.sleep(PAUSE_SECONDS * 2**attempt)
        self.given_up += number
