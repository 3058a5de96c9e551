"""E-mail through whatever backend Django is configured with: SMTP, files, or one of the many
packages for providers.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend

from campaigns.contacts.addresses import is_address
from operations import correlation
from waves.providers.contract import About, EmailText
from waves.providers.outcomes import Health, Kind, Outcome

logger = logging.getLogger(__name__)

CHECK_SECONDS = 5


class DjangoEmail:
    name = "email_django"

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"

    def send(self, messages: list[EmailText]) -> list[Outcome]:
        """Send over one connection; each message has its own outcome, whatever the backend raises.
        [N-3, N-5]
        """
        try:
            backend: BaseEmailBackend = get_connection(fail_silently=False)
            backend.open()
        except Exception as error:  # noqa: BLE001 see above: none of them was sent
            logger.warning("no connection for e-mails", extra={"error": type(error).__name__})
            return [Outcome(Kind.RETRY_LATER, "no_connection")] * len(messages)
        try:
            return [self._send_one(backend, message) for message in messages]
        finally:
            _close(backend)

    def check(self) -> Health:
        """Connect and sign in where the backend is a mail server; for others, that it can be made.
        [X-6]
        """
        try:
            backend: BaseEmailBackend = get_connection(fail_silently=False)
            if isinstance(backend, SmtpBackend):  # one that writes files would begin one
                backend.timeout = CHECK_SECONDS
                backend.open()
                _close(backend)
        except Exception as error:  # noqa: BLE001 backends of others raise errors of their own
            return Health(is_well=False, detail=f"cannot be reached ({type(error).__name__})")
        return Health(is_well=True, detail="answers")

    def _send_one(self, backend: BaseEmailBackend, message: EmailText) -> Outcome:
        if not is_address(message.to):  # Django would read another address into it [S-4]
            return Outcome(Kind.REFUSED, "bad_address")
        email = EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            from_email=self._sender,
            to=[message.to],
            connection=backend,
            headers={"Message-ID": f"<{message.key}@{self._domain}>", **_headers(message.about)},
        )
        if message.html:
            email.attach_alternative(message.html, "text/html")
        try:
            taken = email.send()
        except smtplib.SMTPRecipientsRefused:
            return Outcome(Kind.REFUSED, "recipient_refused")
        except smtplib.SMTPResponseException as error:
            kind = Kind.RETRY_LATER if 400 <= error.smtp_code < 500 else Kind.REFUSED
            return Outcome(kind, f"smtp_{error.smtp_code}")
        except smtplib.SMTPServerDisconnected:
            return Outcome(Kind.UNCERTAIN, "connection_cut")
        except (smtplib.SMTPException, ValueError):
            return Outcome(Kind.REFUSED, "bad_message")
        except OSError:
            return Outcome(Kind.UNCERTAIN, "connection_cut")
        except Exception as error:  # noqa: BLE001 backends of others raise errors of their own
            logger.warning("an e-mail backend failed", extra={"error": type(error).__name__})
            return Outcome(Kind.UNCERTAIN, "backend_failed")
        return (
            Outcome(Kind.SENT, provider_id=message.key)
            if taken
            else Outcome(Kind.REFUSED, "not_taken")
        )


def _headers(about: About) -> dict[str, str]:
    return {
        "X-Campaign-ID": about.campaign_id,
        "X-Wave": about.wave,
        "X-Wave-Date": about.wave_date,
        "X-Market-ID": about.market_id,
        correlation.HEADER: about.correlation_id,
    }


def from_settings() -> DjangoEmail:
    """Through EMAIL_BACKEND, in the name of DEFAULT_FROM_EMAIL."""
    return DjangoEmail(settings.DEFAULT_FROM_EMAIL)


def _close(backend: BaseEmailBackend) -> None:
    # every message has its answer already
    with contextlib.suppress(Exception):
        backend.close()
