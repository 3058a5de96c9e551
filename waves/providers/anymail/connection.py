"""A connection to an e-mail provider's HTTP API, and what its answers mean. [N-3]"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

import requests
from anymail.exceptions import (
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from urllib3.exceptions import NewConnectionError

from waves.providers.anymail.backends import path_of, what_is_missing
from waves.providers.http_session import CONNECT_SECONDS
from waves.providers.outcomes import Health, Kind, Outcome, patience_seconds

logger = logging.getLogger(__name__)

BACK_OFF_SECONDS: Final = 1.0  # where a 429 comes without Retry-After
LONGEST_ID: Final = 80
# what Anymail says of a recipient at once; `rejected` and `invalid` it raises
TAKEN: Final = {"sent", "queued"}
UNFIT: Final = (AnymailInvalidAddress, AnymailSerializationError, AnymailUnsupportedFeature)


class EspConnection:
    """A backend of Anymail and its session, opened when it is first needed. For one thread."""

    def __init__(self, esp: str, timeout_seconds: float) -> None:
        self._esp, self._timeout_seconds = esp, timeout_seconds
        self._backend: BaseEmailBackend | None = None

    def send(self, email: EmailMultiAlternatives, provider_id: str) -> Outcome:
        """One request. Raises nothing that the backend raises."""
        try:
            email.message()  # what cannot be written is no fault of the provider
            backend = self._opened()
        except Exception as error:  # noqa: BLE001 the e-mail library and the backend raise whatever
            logger.warning("an e-mail cannot be made", extra={"error": type(error).__name__})
            return Outcome(Kind.REFUSED, "bad_message")
        try:
            backend.send_messages([email])
        except Exception as error:  # noqa: BLE001 a library's error is this message's outcome [N-3]
            return outcome_of(error)
        return _outcome_of_status(email, provider_id)

    def check(self) -> Health:
        """Whether the settings suffice: there is nothing that every provider could be asked without
        sending.
        """
        problem = what_is_missing(self._esp)
        return Health(is_well=not problem, detail="lacks settings" if problem else "is set up")

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _opened(self) -> BaseEmailBackend:
        if self._backend is None:
            backend = get_connection(path_of(self._esp), fail_silently=False)
            vars(backend)["timeout"] = (
                min(CONNECT_SECONDS, self._timeout_seconds),
                self._timeout_seconds,
            )
            backend.open()
            self._backend = backend
        return self._backend


def outcome_of(error: Exception) -> Outcome:
    """What an error of a backend says of its message. [N-3, N-4]"""
    if isinstance(error, AnymailRecipientsRefused):
        return Outcome(Kind.REFUSED, "recipient_refused")
    if isinstance(error, UNFIT):
        return Outcome(Kind.REFUSED, "bad_message")
    if isinstance(error, AnymailError) and error.status_code is not None:
        headers = getattr(error.response, "headers", {})
        return _outcome_of_answer(error.status_code, headers.get("Retry-After", ""))
    if isinstance(error, requests.ConnectTimeout) or _was_never_connected(error):
        return Outcome(Kind.RETRY_LATER, "no_connection")
    if isinstance(error, requests.Timeout):
        return Outcome(Kind.UNCERTAIN, "timed_out")
    if isinstance(error, OSError):
        return Outcome(Kind.UNCERTAIN, "connection_cut")
    logger.warning("an e-mail backend failed", extra={"error": type(error).__name__})
    return Outcome(Kind.UNCERTAIN, "backend_failed")


def _outcome_of_answer(status: int, retry_after: str) -> Outcome:
    """A 503 says it was not accepted only where it says when to come back."""
    patience = patience_seconds(retry_after, BACK_OFF_SECONDS)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=patience)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after:
        return Outcome(Kind.RETRY_LATER, "http_503", after_seconds=patience)
    if status < HTTPStatus.MULTIPLE_CHOICES:  # an answer that Anymail could not read
        return Outcome(Kind.UNCERTAIN, "backend_failed")
    kind = Kind.UNCERTAIN if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Kind.REFUSED
    return Outcome(kind, f"http_{status}")


def _was_never_connected(error: Exception) -> bool:
    """Anymail raises the error of `requests`, which holds the pool's, which holds the reason."""
    first = error.__cause__.args[:1] if error.__cause__ is not None else ()
    return any(isinstance(getattr(held, "reason", None), NewConnectionError) for held in first)


def _outcome_of_status(email: EmailMultiAlternatives, provider_id: str) -> Outcome:
    """What the provider said of the one recipient."""
    found = getattr(email, "anymail_status", None)
    statuses = set(getattr(found, "status", None) or {"unknown"})
    if statuses <= TAKEN:
        their_id = getattr(found, "message_id", None) or provider_id
        return Outcome(Kind.SENT, provider_id=str(their_id)[:LONGEST_ID])
    if "unknown" in statuses:
        return Outcome(Kind.UNCERTAIN, "backend_failed")
    return Outcome(Kind.REFUSED, "not_accepted")
