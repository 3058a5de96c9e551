"""Connections to Django's e-mail backend, each kept by a thread of its own: a backend blocks, and a
connection serves one e-mail after the other. [N-3, N-5]

What matters is whether a message's text was begun to be handed over: before that it was certainly
not taken. A mail server is watched for it; of another backend nobody knows, so that its errors
leave the message unknown. [N-4]
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import smtplib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend

from waves.providers.outcomes import Health, Kind, Outcome

logger = logging.getLogger(__name__)

# a server that takes nobody unknown at once (greylisting) does so after some minutes
LATER_SECONDS: Final = 120.0

Answer = TypeVar("Answer")


class Connection(Protocol):
    """A connection of one thread, which is opened when it is first needed."""

    def send(self, email: EmailMultiAlternatives, provider_id: str) -> Outcome:
        """Hand one e-mail over. Raises nothing that a backend raises."""
        ...

    def check(self) -> Health:
        """Whether it can be opened; then it is closed again."""
        ...

    def close(self) -> None: ...


class Connections:
    """The connections of one run, one for each thread, which `make` makes with their timeout."""

    def __init__(
        self,
        timeout_seconds: float,
        most: int,
        make: Callable[[float], Connection] | None = None,
    ) -> None:
        self._timeout_seconds, self._make = timeout_seconds, make or KeptConnection
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="email")
        self._own = threading.local()
        self._kept: list[Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._close)

    async def send(self, email: EmailMultiAlternatives, *, provider_id: str) -> Outcome:
        """Over a connection that is free. Raises nothing that a backend raises."""
        return await self._in_thread(lambda kept: kept.send(email, provider_id))

    async def check(self) -> Health:
        """Whether a connection can be opened; opened ones are closed again."""
        return await self._in_thread(lambda kept: kept.check())

    async def _in_thread(self, work: Callable[[Connection], Answer]) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(self._of_this_thread()))

    def _of_this_thread(self) -> Connection:
        if not hasattr(self._own, "connection"):
            self._own.connection = self._make(self._timeout_seconds)
            self._kept.append(self._own.connection)
        connection: Connection = self._own.connection
        return connection

    def _close(self) -> None:
        self._threads.shutdown()
        for connection in self._kept:
            connection.close()


class KeptConnection:
    """One connection, opened anew where the server closed it. For one thread."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._backend: BaseEmailBackend | None = None
        self._is_begun = False
        self._latest = 0.0

    def send(self, email: EmailMultiAlternatives, provider_id: str) -> Outcome:
        """A server closes a connection that it has kept for long, or for many e-mails: what it did
        not begin to take is handed over once more through a new one.
        """
        self._latest = time.monotonic() + self._timeout_seconds
        was_kept = self._backend is not None
        outcome = self._over_this_one(email, provider_id)
        if was_kept and outcome in CLOSED_BEFORE:
            outcome = self._over_this_one(email, provider_id)
        return outcome

    def check(self) -> Health:
        """Whether it can be opened; then it is closed again."""
        try:
            backend = get_connection(fail_silently=False)
            if isinstance(backend, SmtpBackend):  # one that writes files would begin one
                backend.timeout = self._timeout_seconds
                backend.open()
                _close(backend)
        except Exception as error:  # noqa: BLE001 backends of others raise errors of their own
            return Health(is_well=False, detail=f"cannot be reached ({type(error).__name__})")
        return Health(is_well=True, detail="answers")

    def close(self) -> None:
        if self._backend is not None:
            _close(self._backend)
            self._backend = None

    def _over_this_one(self, email: EmailMultiAlternatives, provider_id: str) -> Outcome:
        try:
            backend = self._opened()
        except Exception as error:  # noqa: BLE001 backends of others raise errors of their own
            logger.warning("no connection for e-mails", extra={"error": type(error).__name__})
            return Outcome(Kind.RETRY_LATER, "no_connection")
        try:
            self._is_begun = not isinstance(backend, SmtpBackend)
            if self._is_begun:
                email.message()  # what cannot be written is no fault of the backend
        except Exception:  # noqa: BLE001 the e-mail library raises whatever a header makes it raise
            return Outcome(Kind.REFUSED, "bad_message")
        try:
            taken = backend.send_messages([email])
        except Exception as error:  # noqa: BLE001 a library's error is this message's outcome [N-3]
            if answer_of(error) in NO_ANSWER:
                self.close()
            return outcome_of(error, is_begun=self._is_begun)
        if taken:
            return Outcome(Kind.SENT, provider_id=provider_id)
        return Outcome(Kind.REFUSED, "not_taken")

    def _opened(self) -> BaseEmailBackend:
        """Raises whatever the backend raises, and then none is kept."""
        if self._backend is None:
            backend = get_connection(fail_silently=False)
            if isinstance(backend, SmtpBackend):
                backend.timeout = self._timeout_seconds
            backend.open()
            if isinstance(backend, SmtpBackend) and backend.connection is not None:
                self._watch(backend.connection)
            self._backend = backend
        return self._backend

    def _watch(self, connection: smtplib.SMTP) -> None:
        """Note when a message's text is begun, and begin none whose time is over: the sender counts
        it as one of a dead process soon.
        """
        hand_over = connection.data

        def noted(msg: Any) -> tuple[int, bytes]:
            if time.monotonic() > self._latest:
                raise TimeoutError
            self._is_begun = True
            return hand_over(msg)

        connection.data = noted  # type: ignore[method-assign]


NOT_BEGUN: Final = Outcome(Kind.RETRY_LATER, "connection_cut")
LEAVING: Final = 421  # the server closes the connection with this answer, and took nothing
NO_ANSWER: Final = (0, LEAVING)
CLOSED_BEFORE: Final = (
    NOT_BEGUN,
    Outcome(Kind.RETRY_LATER, f"smtp_{LEAVING}", after_seconds=LATER_SECONDS),
)


def answer_of(error: Exception) -> int:
    """The code that a mail server answered with; 0 where it gave none."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    if isinstance(error, smtplib.SMTPResponseException):
        return max(error.smtp_code, 0)
    return 0


def outcome_of(error: Exception, *, is_begun: bool) -> Outcome:
    """What an error of a backend says of its message. `is_begun`: its text may have been handed
    over. [N-3, N-4]
    """
    code = answer_of(error)
    if 400 <= code < 500:
        return Outcome(Kind.RETRY_LATER, f"smtp_{code}", after_seconds=LATER_SECONDS)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return Outcome(Kind.REFUSED, "recipient_refused")
    if code:
        return Outcome(Kind.REFUSED, f"smtp_{code}")
    # SMTP's errors are OSErrors too
    was_cut = isinstance(error, OSError) and not isinstance(error, smtplib.SMTPNotSupportedError)
    if was_cut:
        return Outcome(Kind.UNCERTAIN, "connection_cut") if is_begun else NOT_BEGUN
    logger.warning("an e-mail backend failed", extra={"error": type(error).__name__})
    if is_begun:
        return Outcome(Kind.UNCERTAIN, "backend_failed")
    return Outcome(Kind.REFUSED, "bad_message")


def _close(backend: BaseEmailBackend) -> None:
    # every message has its answer already
    with contextlib.suppress(Exception):
        backend.close()
