"""Requests over connections that are kept, at a third of the CPU time of a general client. [N-2]

No redirect is followed, no cookie kept, no proxy asked, nothing unpacked, nothing asked twice.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohappyeyeballs

from waves.providers.answers import Answer, BadAddress, NoConnection, TimedOut
from waves.providers.http_connection import HttpConnection

CONNECT_SECONDS: Final = 3.0
KEEP_ALIVE_SECONDS: Final = 15.0
ADDRESSES_LAST_SECONDS: Final = 10.0
NEXT_ADDRESS_SECONDS: Final = 0.25  # until another one is tried beside the first
ADDRESS: Final = re.compile(r"(https?://[^/?#@\s]+)([/?][!-\"$-~]*)?")


class HttpSession:
    """The connections of one run, each to where an address leads; none is opened before it is
    needed. `headers` go with every request.
    """

    def __init__(
        self,
        timeout_seconds: float,
        *,
        keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """A request ends after `timeout_seconds`, of which connecting has CONNECT_SECONDS once the
        host's name is looked up; a connection that is idle for `keep_alive_seconds` is not used
        again.
        """
        self.timeout_seconds, self.keep_alive_seconds = timeout_seconds, keep_alive_seconds
        self.headers = dict(headers or {})
        self._sites: dict[str, Site] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for site in self._sites.values():
            site.close()
        await asyncio.sleep(0)  # in which they are

    async def ask(
        self, method: str, address: str, *, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """One request. Raises NoAnswer, BadAddress."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.timeout_seconds
        found = ADDRESS.fullmatch(address)
        if found is None:
            raise BadAddress(f"{address!r} is not an address of the kind https://host/path.")
        site = self._sites.get(found[1])
        if site is None:
            site = self._sites[found[1]] = Site(found[1], self.keep_alive_seconds)
        own = {**self.headers, **headers}
        if body:
            own["Content-Length"] = str(len(body))
        fields = "".join([f"{name}: {value}\r\n" for name, value in own.items()])
        if fields.count("\r") != len(own) or fields.count("\n") != len(own):
            raise ValueError("there is a line break in a header")
        target = found[2] or "/"
        head = f"{method} {target} HTTP/1.1\r\n{site.fields}{fields}\r\n"
        connection = site.free() or await site.connected(ends)
        answer = connection.ask(head.encode() + body)
        alarm = loop.call_at(ends, _give_up, answer)
        try:
            return await answer
        finally:
            alarm.cancel()
            site.give_back(connection)


def _give_up(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(TimedOut())


class Site:
    """What `https://host:port` leads to: its addresses, which are looked up now and then, and its
    connections that are free.
    """

    def __init__(self, address: str, keep_alive_seconds: float) -> None:
        try:
            parts = urlsplit(address)
            self._host = (parts.hostname or "").encode("idna").decode()
            if not self._host:
                raise ValueError("no host is named")
            self._port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise BadAddress(f"{address!r} is not an address: {error}.") from error
        self._tls = tls() if parts.scheme == "https" else None
        self._keep_alive_seconds = keep_alive_seconds
        self._free: deque[tuple[float, HttpConnection]] = deque()
        self._addresses: list[Any] = []
        self._looked_up = float("-inf")
        self._looking_up: asyncio.Task[list[Any]] | None = None
        host = f"[{self._host}]" if ":" in self._host else self._host
        named = host if parts.port is None else f"{host}:{parts.port}"
        self.fields = f"Host: {named}\r\nUser-Agent: Fairwave\r\nAccept: */*\r\n"

    def free(self) -> HttpConnection | None:
        """The connection that was used last; those that are idle for too long are closed."""
        while self._free and self._free[0][0] < time.monotonic():
            self._free.popleft()[1].end()
        while self._free:
            _, connection = self._free.pop()
            if connection.is_free:
                return connection
        return None

    def give_back(self, connection: HttpConnection) -> None:
        """For the next request, unless it is not to be used again."""
        if connection.is_free:
            self._free.append((time.monotonic() + self._keep_alive_seconds, connection))
        else:
            connection.end()

    async def connected(self, ends: float) -> HttpConnection:
        """A new connection, opened before the loop's time is `ends`. Raises NoConnection."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(ends):
                addresses = await self._found()
            async with asyncio.timeout_at(min(ends, loop.time() + CONNECT_SECONDS)):
                connecting = await aiohappyeyeballs.start_connection(
                    addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, loop=loop
                )
                name = self._host if self._tls else None
                _, connection = await loop.create_connection(
                    HttpConnection, sock=connecting, ssl=self._tls, server_hostname=name
                )
        # OSError also where the time is over, or the certificate is not good; uvloop raises
        # RuntimeError where a socket ends while it becomes a connection
        except (OSError, RuntimeError) as error:
            raise NoConnection from error
        return connection

    async def _found(self) -> list[Any]:
        """The addresses of the name. One look-up goes on for all that wait for it, whoever gives
        up; those that it found before serve until it has found others.
        """
        is_old = self._looked_up + ADDRESSES_LAST_SECONDS < time.monotonic()
        if self._looking_up is None and is_old:
            self._looking_up = asyncio.create_task(self._look_up())
            self._looking_up.add_done_callback(self._is_looked_up)
        if self._addresses or self._looking_up is None:
            return self._addresses
        return await asyncio.shield(self._looking_up)

    async def _look_up(self) -> list[Any]:
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)

    def _is_looked_up(self, looking_up: asyncio.Task[list[Any]]) -> None:
        self._looking_up = None
        if not looking_up.cancelled() and looking_up.exception() is None:
            self._addresses, self._looked_up = looking_up.result(), time.monotonic()

    def close(self) -> None:
        """All that are free, and what is looked up; the run is over."""
        if self._looking_up is not None:
            self._looking_up.cancel()
        while self._free:
            self._free.pop()[1].end()


@cache
def tls() -> ssl.SSLContext:
    """The machine's own authorities."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
