"""Signed delivery receipts, posted in the background as a gateway does: some while after the
message, in batches.

The body is `{"receipts": [{"id", "reference", "status"}, …]}`; the header `X-Signature: t=<unix
seconds>,v1=<hex>` carries the HMAC-SHA256 of the timestamp, a full stop and the body, under the
shared secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time

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

    def add(self, message_id: str, reference: str, status: str) -> None:
        self._waiting.append({"id": message_id, "reference": reference, "status": status})

    def counts(self) -> dict[str, int]:
        return {"posted": self.posted, "given_up": self.given_up, "waiting": len(self._waiting)}

    async def run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                await asyncio.sleep(PAUSE_SECONDS)
                if self._waiting and self.behaviour.receipt_url:
                    batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                    await self._post(session, batch)

    async def _post(self, session: aiohttp.ClientSession, batch: list[dict[str, str]]) -> None:
        body = json.dumps({"receipts": batch}).encode()
        for attempt in range(TRIES):
            headers = {
                "Content-Type": "application/json",
                "X-Signature": signature(self.behaviour.receipt_secret, int(time.time()), body),
            }
            try:
                async with session.post(
                    self.behaviour.receipt_url, data=body, headers=headers
                ) as response:
                    if response.status < 300:
                        self.posted += len(batch)
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass  # tried again below; receipts are at least once, as from any gateway
            await asyncio.sleep(PAUSE_SECONDS * 2**attempt)
        self.given_up += len(batch)
