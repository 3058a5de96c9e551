"""What a provider's client is to those that send: a message in, an `Outcome` out. The provider's
errors are sorted inside its client.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from waves.providers.outcomes import Event, Health, Outcome
from waves.providers.posted import Posted


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


class EmailMessage(NamedTuple):
    """One e-mail: our idempotency key (also our reference), the address, subject, text and HTML;
    and where its reader unsubscribes with one click, for List-Unsubscribe. [N-8]
    """

    key: str
    to: str
    subject: str
    text: str
    html: str
    about: About
    unsubscribe: str = ""


Sent_contra = TypeVar("Sent_contra", SmsMessage, EmailMessage, contravariant=True)


class Provider(Protocol[Sent_contra]):
    """A way to send the messages of one channel. `honours_keys`: a message that comes twice with
    one key is delivered once, if the second one comes within `keys_last` (None: at any time). The
    session that the methods get is the one that `open_session` makes.
    """

    name: str
    honours_keys: bool
    keys_last: timedelta | None

    def open_session(
        self, timeout_seconds: float, most_connections: int
    ) -> AbstractAsyncContextManager[Any]:
        """The connections of one run, which are kept while it lasts; none is opened before it is
        needed.
        """
        ...

    async def send(self, session: Any, message: Sent_contra) -> Outcome:
        """Hand over one message. Whatever a library raises is that message's outcome. [N-3]"""
        ...

    async def look_up(self, session: Any, reference: str) -> Outcome:
        """Whether a message of this reference was accepted: SENT, UNDELIVERABLE (it was, and not
        delivered), REFUSED (it was not), or UNCERTAIN (no answer). [N-4]
        """
        ...

    async def check(self, session: Any) -> Health:
        """Whether it can be reached and knows us; sends nothing, raises nothing that a network can
        cause. [X-6]
        """
        ...


SmsProvider = Provider[SmsMessage]
EmailProvider = Provider[EmailMessage]


AddressCheck = Callable[[Posted], bool]


class ReceiptReader(Protocol):
    """A provider's `receipts.py`: how it signs what it posts, and how it writes it. [N-3]

    Where the provider asks, unsigned, whether the address is ours, an `AddressCheck` named
    `confirm` says whether that is what was posted, and that it was answered.
    """

    # the provider reads this as our answer to what was taken: content type and body; None: it
    # reads the report of what became of each event
    ANSWER: tuple[str, str] | None

    def is_genuine(self, request: Posted, *, now: float) -> bool:
        """Whether the provider signed this; `now` in seconds since 1970. Nothing is parsed but what
        the signature itself is computed from. Raises nothing, whatever was posted.
        """
        ...

    def read(self, request: Posted) -> list[Event]:
        """The events in a genuine body, each by itself: one that cannot be read is `Refused`, one
        that is no receipt `Ignored`. Raises BadValue for a body that as a whole is not the
        provider's format.
        """
        ...
