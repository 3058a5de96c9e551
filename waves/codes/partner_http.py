"""One call to the code service over HTTP: repeated where that is safe, within one deadline, read
within bounds. [K-4]

Every call carries an idempotency key, so each may be repeated: where no connection came about or
it was cut, nothing came in time, the service asks for patience (409, 425, 429, 5xx), or a page of
something before it came instead of JSON. What else it refuses is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from operations import correlation
from operations.entry import values
from operations.errors import BadValue
from waves.errors import BadServiceAnswer, CodeServiceAway, CodeServiceError
from waves.providers.outcomes import patience_seconds

CONNECT_SECONDS: Final = 3.0
TRIES: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.5
MOST_BYTES: Final = 1_000_000  # 2,500 codes of 64 characters with their states have 300,000
PIECE_BYTES: Final = 65_536
REPEATABLE: Final = frozenset(
    {HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


@dataclass(frozen=True)
class Call:
    """What is asked for, the key under which a repeat is known, and in words what could not be done
    where it fails: `Wave W, market M: the code service could not …`.
    """

    action: str
    asked: Mapping[str, Any]
    purpose: tuple[str, ...]
    failure: str

    @property
    def key(self) -> str:
        """The same for every repeat of this call, and for no other."""
        return hashlib.sha256("\x1f".join((self.action, *self.purpose)).encode()).hexdigest()


@dataclass(frozen=True)
class _Failed:
    """A try that gave no answer: in words, after how long another one makes sense (None: never; 0:
    as soon as we like), and what it is where no other follows.
    """

    problem: str
    after_seconds: float | None = 0.0
    error: type[CodeServiceError] = CodeServiceAway


def open_session(seconds: float, *, most_connections: int = 0) -> aiohttp.ClientSession:
    """A session whose requests end after `seconds` and carry the correlation id of what is running
    now; `most_connections` 0 = no limit. Answers are asked for as they are: a small packed one
    could fill the memory. [O-4]
    """
    correlated = correlation.current()
    headers = {correlation.HEADER: correlated} if correlated else {}
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds)),
        connector=aiohttp.TCPConnector(limit=most_connections),
        headers=headers | {"Accept-Encoding": "identity"},
        auto_decompress=False,
    )


async def ask(
    session: aiohttp.ClientSession, url: str, call: Call, *, seconds: float, token: str = ""
) -> Any:
    """What the JSON of the answer says. Raises CodeServiceAway where nothing came within `seconds`
    and TRIES, BadServiceAnswer where what came is no JSON or too long, CodeServiceError where the
    service refuses the call.
    """
    headers = {"Content-Type": "application/json", "Idempotency-Key": call.key}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps(call.asked).encode()
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    address, tried = f"{url}/codes/{call.action}", 0
    while True:
        found = await _try(session, address, headers, body, deadline, seconds / 2)
        tried += 1
        if isinstance(found, bytes):
            try:
                return values.json_of("the answer", found)
            except BadValue:
                problem = "its answer is not JSON that can be used"
                found = _Failed(problem, error=BadServiceAnswer)
        if found.after_seconds is None:
            raise found.error(f"{call.failure}: {found.problem}.")
        pause = found.after_seconds or FIRST_PAUSE_SECONDS * 2**tried * random.uniform(0.25, 0.75)  # noqa: S311 no secret
        if tried == TRIES or clock() + pause >= deadline:
            raise found.error(f"{call.failure}: {found.problem}. Check CODE_SERVICE_URL.")
        await asyncio.sleep(pause)


async def _try(
    session: aiohttp.ClientSession,
    address: str,
    headers: Mapping[str, str],
    body: bytes,
    deadline: float,
    most_seconds: float,
) -> bytes | _Failed:
    """One request, from connecting to the last byte within `most_seconds` and the deadline: a
    service that drips its answer is away, too.
    """
    now = asyncio.get_running_loop().time()
    try:
        async with (
            asyncio.timeout_at(min(deadline, now + most_seconds)),
            # the service answers itself: where it leads to is not in the settings
            session.post(address, data=body, headers=headers, allow_redirects=False) as response,
        ):
            if response.status == HTTPStatus.OK:
                return await _content(response)
            return _refused(response.status, response.headers.get("Retry-After", ""))
    except aiohttp.InvalidURL:
        return _Failed("CODE_SERVICE_URL is not an address", None, CodeServiceError)
    except TimeoutError:
        return _Failed("it did not answer in time")
    except (aiohttp.ClientError, OSError) as error:
        return _Failed(_in_words(error))


async def _content(response: aiohttp.ClientResponse) -> bytes | _Failed:
    content = bytearray()
    async for piece in response.content.iter_chunked(PIECE_BYTES):
        content += piece
        if len(content) > MOST_BYTES:
            problem = f"its answer is longer than {MOST_BYTES:,} bytes"
            return _Failed(problem, None, BadServiceAnswer)
    return bytes(content)


def _refused(status: int, retry_after: str) -> _Failed:
    problem = f"HTTP {status}"
    if status not in REPEATABLE and status < 500:
        return _Failed(problem, None, CodeServiceError)
    return _Failed(problem, patience_seconds(retry_after, 0.0))


def _in_words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection"
    return "the connection was cut"
