"""HTTP sessions for requests to providers: time limits and the sender's correlation id.
[O-4]
"""

from __future__ import annotations

import aiohttp

from operations import correlation

TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 3.0
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
