"""What the errors of Anymail's backends say of their message. [N-3, N-4]"""

from __future__ import annotations

import pytest
import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailRecipientStatus, AnymailStatus
from django.core.mail import EmailMultiAlternatives

from waves.providers.anymail.connection import EspConnection, outcome_of
from waves.providers.outcomes import Kind, Outcome


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (AnymailRecipientsRefused(), Kind.REFUSED, "recipient_refused"),
        (AnymailUnsupportedFeature(), Kind.REFUSED, "bad_message"),
        (AnymailInvalidAddress(), Kind.REFUSED, "bad_message"),
        (AnymailSerializationError(), Kind.REFUSED, "bad_message"),
        # accepted, and Anymail could not read the answer
        (AnymailAPIError(status_code=200), Kind.UNCERTAIN, "backend_failed"),
        (AnymailAPIError(status_code=404), Kind.REFUSED, "http_404"),
        (AnymailAPIError(status_code=502), Kind.UNCERTAIN, "http_502"),
        (AnymailAPIError(), Kind.UNCERTAIN, "backend_failed"),
        (requests.ConnectTimeout(), Kind.RETRY_LATER, "no_connection"),
        (requests.ReadTimeout(), Kind.UNCERTAIN, "timed_out"),
        (requests.ConnectionError(), Kind.UNCERTAIN, "connection_cut"),
        (KeyError("status"), Kind.UNCERTAIN, "backend_failed"),
    ],
)
def test_n3_an_error_has_its_meaning(error, kind, reason):
    assert outcome_of(error) == Outcome(kind, reason)


class Backend:
    """Answers with a status."""

    def __init__(self, status):
        self.status = status

    def send_messages(self, emails):
        emails[0].anymail_status = AnymailStatus()
        if self.status:
            found = AnymailRecipientStatus("id-1" * 40, self.status)
            emails[0].anymail_status.set_recipient_status({"a@b.example": found})


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("sent", Kind.SENT, ""),
        ("queued", Kind.SENT, ""),
        ("failed", Kind.REFUSED, "not_accepted"),
        ("unknown", Kind.UNCERTAIN, "backend_failed"),
        (None, Kind.UNCERTAIN, "backend_failed"),
    ],
)
def test_n3_only_what_the_provider_calls_sent_or_queued_is_sent(status, kind, reason, monkeypatch):
    connection = EspConnection("postmark", 5.0)
    monkeypatch.setattr(connection, "_backend", Backend(status))
    outcome = connection.send(EmailMultiAlternatives(to=["a@b.example"]), "key-1")
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert len(outcome.provider_id) == (80 if kind == Kind.SENT else 0)
