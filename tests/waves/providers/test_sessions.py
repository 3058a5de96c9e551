"""Sessions to providers: limits of time, and the correlation id. [O-4]"""

from __future__ import annotations

import asyncio

from operations import correlation
from waves.providers.sessions import CONNECT_TIMEOUT_SECONDS, KEEP_ALIVE_SECONDS, open_session


def settings_of(timeout_seconds, **options):
    async def run():
        async with open_session(timeout_seconds, **options) as session:
            return session.timeout, dict(session.headers), session.connector.limit

    return asyncio.run(run())


def test_a_request_and_its_connecting_have_limits_of_time():
    timeout, _, connections = settings_of(8.0, most_connections=20)
    assert (timeout.total, timeout.sock_connect, connections) == (8.0, CONNECT_TIMEOUT_SECONDS, 20)
    assert settings_of(1.0)[0].sock_connect == 1.0


def test_a_connection_that_is_idle_for_long_is_not_used_again():
    async def kept_seconds(**options):
        async with open_session(1.0, **options) as session:
            return session.connector._keepalive_timeout

    assert asyncio.run(kept_seconds(keep_alive_seconds=4.0)) == 4.0
    assert asyncio.run(kept_seconds()) == KEEP_ALIVE_SECONDS


def test_o4_every_request_carries_the_correlation_id_of_whoever_sends():
    with correlation.correlated("abc-1"):
        assert settings_of(1.0)[1] == {"X-Correlation-ID": "abc-1"}
