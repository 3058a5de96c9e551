"""E-mail through one of django-anymail's providers (ANYMAIL_ESP): Postmark, Mailgun, SparkPost and
others. [N-5]

As with other Django backends each connection is kept by a thread of its own. Our key goes along as
metadata, so that tracking events name it, and clicks and opens are not tracked where the provider
lets a message say so: the fan's code and entry link stay as they were written. [N-1]
"""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from waves.providers.anymail.connection import EspConnection
from waves.providers.contract import EmailMessage
from waves.providers.email_django.client import DjangoEmail
from waves.providers.email_django.connections import Connections


class Anymail(DjangoEmail):
    """Few of these providers honour keys, so an e-mail that may have been taken is not sent again.
    [N-4]
    """

    name = "anymail"

    def __init__(self, esp: str, sender: str) -> None:
        super().__init__(sender)
        self._esp = esp

    def open_session(self, timeout_seconds: float, most_connections: int) -> Connections:
        make = partial(EspConnection, self._esp)
        return Connections(timeout_seconds, most_connections, make)

    def _written(self, message: EmailMessage) -> EmailMultiAlternatives:
        email, about = super()._written(message), message.about
        vars(email).update(
            metadata={
                "key": message.key,
                "campaign": about.campaign_id,
                "wave": about.wave,
                "wave_date": about.wave_date,
                "market": about.market_id,
                "correlation": about.correlation_id,
            },
            track_clicks=False,
            track_opens=False,
        )
        return email


def from_settings() -> Anymail:
    """Through ANYMAIL_ESP with ANYMAIL_SETTINGS, in the name of DEFAULT_FROM_EMAIL."""
    return Anymail(settings.ANYMAIL_ESP, settings.DEFAULT_FROM_EMAIL)
