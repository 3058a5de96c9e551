"""A provider that takes every message, sends none and opens no connection: of each it keeps only
the beginning of its text's SHA-256, which the message's row gets as the provider's id. [X-6]

So a rehearsal stores no personal data, and what is shown of a recorded message can be compared with
what was recorded.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta

from waves.providers.contract import EmailMessage, SmsMessage
from waves.providers.outcomes import Health, Kind, Outcome

NAME = "recorder"


def record_of(*parts: str) -> str:
    """What is kept of a text: 128 bits as hex digits."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


class _Recorder:
    """It has no connections, and every message may be repeated."""

    name = NAME
    honours_keys = True
    keys_last: timedelta | None = None

    def open_session(
        self, timeout_seconds: float, most_connections: int
    ) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def look_up(self, session: None, reference: str) -> Outcome:
        return Outcome(Kind.REFUSED, "not_accepted")

    async def check(self, session: None) -> Health:
        return Health(is_well=True, detail="answers")


class SmsRecorder(_Recorder):
    async def send(self, session: None, message: SmsMessage) -> Outcome:
        return Outcome(Kind.SENT, provider_id=record_of(message.body))


class EmailRecorder(_Recorder):
    async def send(self, session: None, message: EmailMessage) -> Outcome:
        record = record_of(message.subject, message.text, message.html)
        return Outcome(Kind.SENT, provider_id=record)
