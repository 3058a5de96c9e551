"""What a provider's client is to those that send: a message in, an `Outcome` out. The provider's
errors are sorted inside its client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import aiohttp

from waves.providers.outcomes import Health, Outcome, Receipt


class About(NamedTuple):
    """What a message belongs to, for fields of its own in each request: never read out of the text.
    `wave_date` is the day of the notify date by the campaign's clocks, YYYY-MM-DD; the correlation
    id is of the attempt, so that it may differ when a message is repeated. [N-1, O-4]
    """

    campaign_id: str
    wave: str
    wave_date: str
    market_id: str
    correlation_id: str


class SmsMessage(NamedTuple):
    """One SMS: our idempotency key (also our reference), the number in E.164, the text."""

    key: str
    to: str
    body: str
    about: About


class SmsProvider(Protocol):
    """An SMS gateway. `honours_keys`: a message that comes twice with one key is delivered once."""

    name: str
    honours_keys: bool

    async def send(self, session: aiohttp.ClientSession, message: SmsMessage) -> Outcome:
        """Hand over one message. Raises nothing that a network can cause. [N-3]"""
        ...

    async def look_up(self, session: aiohttp.ClientSession, reference: str) -> Outcome:
        """Whether a message of this reference was accepted: SENT, REFUSED (it was not), or
        UNCERTAIN (no answer). [N-4]
        """
        ...

    async def check(self, session: aiohttp.ClientSession) -> Health:
        """Whether it can be reached and knows us; sends nothing, raises nothing that a network can
        cause. [X-6]
        """
        ...


@dataclass(frozen=True)
class EmailText:
    """One e-mail, ready to send; `key` becomes its Message-ID, so that a repeat can be
    recognized.
    """

    key: str
    to: str
    subject: str
    text: str
    html: str
    about: About


class EmailProvider(Protocol):
    """A way to send e-mails; takes several at a time because opening a connection is expensive."""

    name: str

    def send(self, messages: list[EmailText]) -> list[Outcome]:
        """One outcome per message, in their order. [N-5]"""
        ...

    def check(self) -> Health:
        """Whether it can be reached and knows us; sends nothing, and raises nothing. [X-6]"""
        ...


class ReceiptReader(Protocol):
    """A provider's `receipts.py`: how it signs its delivery receipts, and how it writes them.
    [N-3]
    """

    def is_genuine(self, headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
        """Whether the provider signed this body recently; `now` in seconds since 1970."""
        ...

    def read(self, body: bytes) -> list[Receipt]:
        """The receipts in a genuine body. Raises ValueError, KeyError or TypeError for a body that
        is not the provider's format.
        """
        ...
