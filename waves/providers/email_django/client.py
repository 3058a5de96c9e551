"""E-mail through whatever backend Django is configured with: SMTP, files, or one of the many
packages for providers. [N-5]
"""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from campaigns.contacts.addresses import is_address
from operations import correlation
from waves.providers.contract import About, EmailMessage
from waves.providers.email_django.connections import Connections
from waves.providers.outcomes import Health, Kind, Outcome

ONE_CLICK: Final = "List-Unsubscribe=One-Click"


class KeyedEmail(EmailMultiAlternatives):
    """An e-mail whose parts are divided by `=_` and its key, which stand in none of them. Without,
    the library compiles an expression for each e-mail to find such a text.
    """

    def __init__(self, key: str, **fields: Any) -> None:
        super().__init__(**fields)
        self._key = key

    def message(self, **options: Any) -> Any:
        made = super().message(**options)
        if made.is_multipart():
            made.set_boundary(f"=_{self._key}")
        return made


class DjangoEmail:
    """Backends honour no keys: an e-mail that may have been taken is not sent again. [N-4]"""

    name = "email_django"
    honours_keys = False
    keys_last: timedelta | None = None

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"

    def open_session(self, timeout_seconds: float, most_connections: int) -> Connections:
        return Connections(timeout_seconds, most_connections)

    async def send(self, session: Connections, message: EmailMessage) -> Outcome:
        """One e-mail over a connection of the session. [N-3]"""
        if not is_address(message.to):  # Django would read another address into it [S-4]
            return Outcome(Kind.REFUSED, "bad_address")
        return await session.send(self._written(message), provider_id=message.key)

    async def look_up(self, session: Connections, reference: str) -> Outcome:
        """A mail server keeps no account of what it took: a receipt or a person says. [N-4]"""
        return Outcome(Kind.UNCERTAIN, "no_look_up")

    async def check(self, session: Connections) -> Health:
        """Connect and sign in where the backend is a mail server; for others, that it can be made.
        [X-6]
        """
        return await session.check()

    def _written(self, message: EmailMessage) -> EmailMultiAlternatives:
        email = KeyedEmail(
            message.key,
            subject=message.subject,
            body=message.text,
            from_email=self._sender,
            to=[message.to],
            headers={
                "Message-ID": f"<{message.key}@{self._domain}>",
                **_headers(message.about),
                **unsubscribing(message.unsubscribe),
            },
        )
        if message.html:
            email.attach_alternative(message.html, "text/html")
        return email


def from_settings() -> DjangoEmail:
    """Through EMAIL_BACKEND, in the name of DEFAULT_FROM_EMAIL."""
    return DjangoEmail(settings.DEFAULT_FROM_EMAIL)


def unsubscribing(address: str) -> dict[str, str]:
    """By which mail programs show a button that unsubscribes with one click (RFC 8058)."""
    if not address:
        return {}
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": ONE_CLICK}


def _headers(about: About) -> dict[str, str]:
    return {
        "X-Campaign-ID": about.campaign_id,
        "X-Wave": about.wave,
        "X-Wave-Date": about.wave_date,
        "X-Market-ID": about.market_id,
        correlation.HEADER: about.correlation_id,
    }
