"""HTTP sessions for requests to providers: time limits, the sender's correlation id, and what an
answer, or its absence, means for a message. [N-3, O-4]
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp

from operations import correlation
from operations.entry import values
from operations.errors import BadValue
from waves.providers.outcomes import Health, Kind, Outcome, patience_seconds

TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 3.0
BACK_OFF_SECONDS = 1.0  # where a 429 comes without Retry-After


class Answer(NamedTuple):
    """A provider's answer to one request."""

    status: int
    retry_after: str
    body: bytes

    @property
    def patience(self) -> float:
        """Seconds until the next request that the provider asks for."""
        return patience_seconds(self.retry_after, BACK_OFF_SECONDS)

    def document(self) -> dict[str, Any]:
        """The JSON object in it; empty where there is none that can be read: an accepted message
        stays accepted.
        """
        try:
            found = values.json_of("the answer", self.body)
        except BadValue:
            return {}
        return found if isinstance(found, dict) else {}


KEEP_ALIVE_SECONDS = 15.0


def open_session(
    timeout_seconds: float = TIMEOUT_SECONDS,
    *,
    most_connections: int = 0,
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
    unpacks: bool = True,
) -> aiohttp.ClientSession:
    """A session whose requests end after `timeout_seconds`; `most_connections` 0 = no limit. A
    connection that is idle for `keep_alive_seconds` is not used again.
    Without `unpacks` answers are asked for as they are: a small packed one could fill the memory.
    """
    timeout = aiohttp.ClientTimeout(
        total=timeout_seconds, sock_connect=min(CONNECT_TIMEOUT_SECONDS, timeout_seconds)
    )
    correlated = correlation.current()
    headers = {correlation.HEADER: correlated} if correlated else {}
    return aiohttp.ClientSession(
        timeout=timeout,
        connector=aiohttp.TCPConnector(
            limit=most_connections, keepalive_timeout=keep_alive_seconds
        ),
        headers=headers if unpacks else headers | {"Accept-Encoding": "identity"},
        auto_decompress=unpacks,
    )


async def asked(
    session: aiohttp.ClientSession, method: str, address: str, **request: Any
) -> Answer:
    """One request. A redirect is an answer: a POST would become a GET on its way."""
    async with session.request(method, address, allow_redirects=False, **request) as response:
        patience = response.headers.get("Retry-After", "")
        return Answer(response.status, patience, await response.read())


async def handed_over(
    session: aiohttp.ClientSession,
    address: str,
    read: Callable[[Answer], Outcome],
    **request: Any,
) -> Outcome:
    """POST a message. `read` says what an answer below 500 means that does not limit our pace. A
    503 says that the message was not accepted only where it says when to come back. [N-3]
    """
    try:
        answer = await asked(session, "POST", address, **request)
    except aiohttp.InvalidURL:
        raise  # a setting is wrong, and every message would meet it
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        return Outcome(Kind.RETRY_LATER, "no_connection")
    except TimeoutError:
        return Outcome(Kind.UNCERTAIN, "timed_out")
    except (aiohttp.ClientError, OSError):
        return Outcome(Kind.UNCERTAIN, "connection_cut")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=answer.patience)
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and answer.retry_after:
        return Outcome(Kind.RETRY_LATER, "http_503", after_seconds=answer.patience)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome(Kind.UNCERTAIN, f"http_{answer.status}")
    return read(answer)


async def well(
    session: aiohttp.ClientSession,
    address: str,
    read: Callable[[Answer], Health],
    *,
    there: Collection[int] = (HTTPStatus.OK,),
    **request: Any,
) -> Health:
    """GET an address that sends nothing. `read` says what an answer means with one of the statuses
    `there`. [X-6]
    """
    try:
        answer = await asked(session, "GET", address, **request)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return Health(is_well=False, detail="cannot be reached")
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Health(is_well=False, detail=f"refuses our credentials (HTTP {answer.status})")
    if answer.status not in there:
        return Health(is_well=False, detail=f"reports an error (HTTP {answer.status})")
    return read(answer)
