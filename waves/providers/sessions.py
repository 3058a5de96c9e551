"""HTTP sessions for requests to providers: time limits, the sender's correlation id, and what an
answer, or its absence, means for a message. [N-3, O-4]
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Final

from operations import correlation
from waves.providers.answers import Answer, BadAddress, NoAnswer, NoConnection, TimedOut
from waves.providers.http_session import KEEP_ALIVE_SECONDS, HttpSession
from waves.providers.outcomes import Health, Kind, Outcome

TIMEOUT_SECONDS: Final = 10.0
# Servers end connections that are idle for five seconds or longer. A request that crosses that end
# is lost: repeated where the provider honors keys, never clear where it does not.
KEPT_BRIEFLY_SECONDS: Final = 4.0


def open_session(
    timeout_seconds: float = TIMEOUT_SECONDS, *, keep_alive_seconds: float = KEEP_ALIVE_SECONDS
) -> HttpSession:
    """A session whose requests end after `timeout_seconds` and name what is running now. It opens
    as many connections as there are requests at once: whoever sends keeps to its slots.
    """
    correlated = correlation.current()
    headers = {correlation.HEADER: correlated} if correlated else {}
    return HttpSession(timeout_seconds, keep_alive_seconds=keep_alive_seconds, headers=headers)


def keep_alive(*, honours_keys: bool) -> float:
    """So many seconds may a connection to such a provider be idle."""
    return KEEP_ALIVE_SECONDS if honours_keys else KEPT_BRIEFLY_SECONDS


async def handed_over(
    session: HttpSession,
    address: str,
    read: Callable[[Answer], Outcome],
    *,
    headers: Mapping[str, str],
    body: bytes,
) -> Outcome:
    """POST a message. `read` says what an answer below 500 means that does not limit our pace. A
    503 says that the message was not accepted only where it says when to come back. [N-3]
    """
    try:
        answer = await session.ask("POST", address, headers=headers, body=body)
    except BadAddress:
        raise  # every message would meet it
    except NoAnswer as error:
        return without_answer(error)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome(Kind.RATE_LIMITED, "http_429", after_seconds=answer.patience)
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and answer.retry_after:
        return Outcome(Kind.RETRY_LATER, "http_503", after_seconds=answer.patience)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome(Kind.UNCERTAIN, f"http_{answer.status}")
    return read(answer)


def without_answer(error: NoAnswer) -> Outcome:
    """What became of a message then. [N-3]"""
    if isinstance(error, NoConnection):
        return Outcome(Kind.RETRY_LATER, "no_connection")
    return Outcome(Kind.UNCERTAIN, "timed_out" if isinstance(error, TimedOut) else "connection_cut")


async def well(
    session: HttpSession,
    address: str,
    read: Callable[[Answer], Health],
    *,
    headers: Mapping[str, str],
    there: Collection[int] = (HTTPStatus.OK,),
) -> Health:
    """GET an address that sends nothing. `read` says what an answer means with one of the statuses
    `there`. [X-6]
    """
    try:
        answer = await session.ask("GET", address, headers=headers)
    except (NoAnswer, ValueError):
        return Health(is_well=False, detail="cannot be reached")
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Health(is_well=False, detail=f"refuses our credentials (HTTP {answer.status})")
    if answer.status not in there:
        return Health(is_well=False, detail=f"reports an error (HTTP {answer.status})")
    return read(answer)
