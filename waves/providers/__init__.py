"""What a provider is to the sender: one coroutine that turns a message into an Outcome. Errors are
sorted behind this door.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import aiohttp

from waves.providers.outcomes import Kind, Outcome

__all__ = ["EmailProvider", "EmailText", "Kind", "Outcome", "SmsMessage", "SmsProvider"]


class SmsMessage(NamedTuple):
    """One text: our idempotency key (also our reference), the number in E.164, the words."""

    key: str
    to: str
    body: str


class SmsProvider(Protocol):
    """An SMS gateway. `honours_keys`: the same key twice is delivered once."""

    name: str
    honours_keys: bool

    async def send(self, session: aiohttp.ClientSession, message: SmsMessage) -> Outcome:
        """Hand over one message. Raises nothing that a network can cause."""
        ...

    async def look_up(self, session: aiohttp.ClientSession, reference: str) -> Outcome:
        """Was a message of this reference accepted: SENT, REFUSED (it was not), or UNCERTAIN (no
        answer).
        """
        ...


@dataclass(frozen=True)
class EmailText:
    """One e-mail, ready to hand over; `key` becomes its Message-ID, so that a repeat can be
    recognised.
    """

    key: str
    to: str
    subject: str
    text: str
    html: str


class EmailProvider(Protocol):
    """A way to send e-mails; takes several because opening a connection is what costs."""

    name: str

    def send(self, messages: list[EmailText]) -> list[Outcome]:
        """One outcome per message, in their order."""
        ...
