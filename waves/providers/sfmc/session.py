"""The connections of one run and the access token that all its requests share.

The token is asked for when it is first needed and again shortly before it ends: one request, for
which all that need it wait, and whose failure is the answer to all of them.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from http import HTTPStatus
from types import TracebackType
from typing import Final, NamedTuple, Self

from operations.entry import values
from operations.errors import BadValue
from waves.providers.answers import Answer, NoAnswer
from waves.providers.http_session import HttpSession
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sessions import open_session

# The API closes connections that are idle for five seconds, and a request over such a one is lost.
KEEP_ALIVE_SECONDS: Final = 4.0
RENEWED_EARLY_SECONDS: Final = 60.0
TOKEN: Final = re.compile(r"[!-~]+")
REST_URL: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/?")
LONGEST_SECONDS: Final = 86_400  # that an answer may say a token lasts


class Credentials(NamedTuple):
    """Of an installed package's API integration. `account_id`: the business unit (MID); empty is
    the package's own.
    """

    auth_url: str
    client_id: str
    client_secret: str
    account_id: str = ""


class Access(NamedTuple):
    """A token, where its API is, and until when it is used (time.monotonic)."""

    token: str
    rest_url: str
    until: float


NO_ACCESS: Final = Access("", "", 0.0)


class NoToken(Exception):
    """No token could be had. `outcome`: what that means for a message that needed one; it was not
    handed over.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Session:
    """For one run, in one event loop."""

    def __init__(self, credentials: Credentials, timeout_seconds: float) -> None:
        self._credentials, self._timeout_seconds = credentials, timeout_seconds
        self._access = NO_ACCESS
        self._asking: asyncio.Task[Access] | None = None
        self.http: HttpSession

    async def __aenter__(self) -> Self:
        self.http = open_session(self._timeout_seconds, keep_alive_seconds=KEEP_ALIVE_SECONDS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.__aexit__(kind, error, traceback)

    async def access(self) -> Access:
        """A token that is valid. Raises NoToken."""
        if time.monotonic() < self._access.until:
            return self._access
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        return await asyncio.shield(self._asking)

    def refused(self, token: str) -> None:
        """The API did not take this token; the next request asks for another."""
        if token == self._access.token:
            self._access = NO_ACCESS

    def _asked(self, asking: asyncio.Task[Access]) -> None:
        self._asking = None
        if not asking.cancelled() and asking.exception() is None:
            self._access = asking.result()

    async def _ask(self) -> Access:
        credentials = self._credentials
        who = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
        }
        if credentials.account_id:
            who["account_id"] = credentials.account_id
        try:
            answer = await self.http.ask(
                "POST",
                f"{credentials.auth_url.rstrip('/')}/v2/token",
                headers={"Content-Type": "application/json"},
                body=json.dumps(who).encode(),
            )
        except NoAnswer as error:
            raise NoToken(Outcome(Kind.RETRY_LATER, "no_connection")) from error
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            after = answer.patience
            raise NoToken(Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=after))
        if answer.status != HTTPStatus.OK:
            raise NoToken(Outcome(Kind.RETRY_LATER, f"token_{answer.status}"))
        return read_access(answer, now=time.monotonic())


def read_access(answer: Answer, *, now: float) -> Access:
    """The answer of the token's address. `expires_in` is in seconds. Raises NoToken for one that
    cannot be read.
    """
    found = answer.document()
    try:
        seconds = values.number("expires_in", found.get("expires_in"), most=LONGEST_SECONDS)
        token = values.text("access_token", found.get("access_token"))
        rest_url = values.text("rest_instance_url", found.get("rest_instance_url"))
        if not (TOKEN.fullmatch(token) and REST_URL.fullmatch(rest_url)):
            raise BadValue("rest_instance_url", "no token, or no address.")
    except BadValue as error:
        raise NoToken(Outcome(Kind.RETRY_LATER, "token_unreadable")) from error
    early = min(RENEWED_EARLY_SECONDS, seconds / 10)
    return Access(token, rest_url.rstrip("/"), now + seconds - early)
