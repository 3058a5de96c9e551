"""A drand round over HTTP: the mirrors are asked one after the other until one gives it intact.
[S-8]
"""

from __future__ import annotations

import http.client
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.entropy.beacons import Beacon, beacon_in, verify
from campaigns.errors import BadBeacon, SourceOutOfReach
from campaigns.public_source import DEFAULT_CHAIN

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0  # for one mirror, from the first byte to the last
MOST_BYTES = 10_000  # a round has 600
PIECE_BYTES = 1_024
NOT_YET = (404, 425)  # a round that is not there yet


@dataclass(frozen=True)
class Fetched:
    """A round, verified, and the mirror that gave it."""

    beacon: Beacon
    mirror: str


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A mirror answers itself: where it leads to is not in the settings."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


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
        except (OSError, http.client.HTTPException, BadBeacon) as error:
            fault = _in_words(error)
            logger.warning("drand mirror", extra={"mirror": mirror, "fault": fault})
            faults.append(f"{mirror}: {fault}")
        else:
            return Fetched(beacon, mirror)
    told = "; ".join(faults) or "DRAND_URLS names none"
    raise SourceOutOfReach(f"No mirror gave drand round {number}. {told}.")


def _get(mirror: str, number: int, timeout_seconds: float) -> bytes:
    """What the mirror answers. Raises OSError, HTTPException, BadBeacon."""
    until = time.monotonic() + timeout_seconds
    address = f"{mirror.rstrip('/')}/{DEFAULT_CHAIN.hash}/public/{number}"
    request = urllib.request.Request(  # noqa: S310 the setting is checked to be http or https
        address, headers={"Accept": "application/json", "User-Agent": "fairwave"}
    )
    opener = urllib.request.build_opener(_NoRedirects)
    content = b""
    with opener.open(request, timeout=timeout_seconds) as response:
        while piece := response.read1(PIECE_BYTES):
            content += piece
            if len(content) > MOST_BYTES:
                raise BadBeacon(f"the answer is longer than {MOST_BYTES:,} bytes")
            if time.monotonic() > until:
                raise TimeoutError
    return content


def _in_words(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        if error.code in NOT_YET:
            return f"it does not have the round (HTTP {error.code})"
        return f"HTTP {error.code}"
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer was cut"
    return str(getattr(error, "reason", None) or error) or type(error).__name__
