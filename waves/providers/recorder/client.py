"""A provider that takes every message, sends none and opens no connection: of each it keeps only
the beginning of its text's SHA-256, which the message's row gets as the provider's id. [X-6]

So a rehearsal stores no personal data, and what is shown of a recorded message can be compared with
what was recorded.
"""

from __future__ import annotations

import hashlib

import aiohttp

from waves.providers.contract import EmailText, SmsMessage
from waves.providers.outcomes import Health, Kind, Outcome

NAME = "recorder"


def record_of(*parts: str) -> str:
    """What is kept of a text: 128 bits as hex digits."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


class SmsRecorder:
    name = NAME
    honours_keys = True

    async def send(self, session: aiohttp.ClientSession, message: SmsMessage) -> Outcome:
        return Outcome(Kind.SENT, provider_id=record_of(message.body))

    async def look_up(self, session: aiohttp.ClientSession, reference: str) -> Outcome:
        return Outcome(Kind.REFUSED, "not_accepted")

    async def check(self, session: aiohttp.ClientSession) -> Health:
        return Health(is_well=True, detail="answers")


class EmailRecorder:
    name = NAME

    def send(self, messages: list[EmailText]) -> list[Outcome]:
        return [
            Outcome(Kind.SENT, provider_id=record_of(each.subject, each.text, each.html))
            for each in messages
        ]

    def check(self) -> Health:
        return Health(is_well=True, detail="answers")
