"""A drand round over HTTP: the mirrors are asked one after the other until one gives it intact.
[S-8]
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from campaigns.entropy.beacons import Beacon, beacon_in, verify
from campaigns.errors import BadBeacon, SourceOutOfReach
from campaigns.public_source import DEFAULT_CHAIN

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0  # for one mirror, from connecting to the last byte
MOST_BYTES = 10_000  # a round has 600
PIECE_BYTES = 1_024
OK = 200
NOT_YET = (404, 425)  # a round that is not there yet
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "fairwave"}


@dataclass(frozen=True)
class Fetched:
    """A round, verified, and the mirror that gave it."""

    beacon: Beacon
    mirror: str


def fetch(
    mirrors: Sequence[str], number: int, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Fetched:
    """The round of the default chain, verified. Raises SourceOutOfReach, which names what was wrong
    with each mirror.
    """
    faults = []
    for mirror in mirrors:
        try:
            content = _get(mirror, number, timeout_seconds)
            beacon = beacon_in(content, asked=number)
            verify(beacon)
        except (OSError, aiohttp.ClientError, BadBeacon) as error:
            fault = _in_words(error)
            logger.warning("drand mirror", extra={"mirror": mirror, "fault": fault})
            faults.append(f"{mirror}: {fault}")
        else:
            return Fetched(beacon, mirror)
    named = "; ".join(faults) or "DRAND_URLS names none"
    raise SourceOutOfReach(f"No mirror gave drand round {number}. {named}.")


def _get(mirror: str, number: int, timeout_seconds: float) -> bytes:
    """What the mirror answers. Raises OSError, ClientError, BadBeacon."""
    address = f"{mirror.rstrip('/')}/{DEFAULT_CHAIN.hash}/public/{number}"
    return asyncio.run(_answer(address, timeout_seconds))


async def _answer(address: str, timeout_seconds: float) -> bytes:
    """A timeout of a socket begins anew with each byte, so a mirror that drips its headers would
    hold a worker for hours: this one is for all of it.
    """
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    session = aiohttp.ClientSession(
        headers=HEADERS, timeout=timeout, auto_decompress=False, trust_env=True
    )
    content = b""
    # a mirror answers itself: where it leads to is not in the settings
    async with session, session.get(address, allow_redirects=False) as response:
        if response.status != OK:
            raise BadBeacon(_status_in_words(response.status))
        async for piece in response.content.iter_chunked(PIECE_BYTES):
            content += piece
            if len(content) > MOST_BYTES:
                raise BadBeacon(f"the answer is longer than {MOST_BYTES:,} bytes")
    return content


def _status_in_words(status: int) -> str:
    if status in NOT_YET:
        return f"it does not have the round (HTTP {status})"
    return f"HTTP {status}"


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer was cut"
    refused = isinstance(error, aiohttp.ClientConnectorError) and error.os_error
    if isinstance(refused, ConnectionRefusedError):
        return "connection refused"
    return str(error) or type(error).__name__
