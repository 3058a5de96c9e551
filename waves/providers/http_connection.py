"""One HTTP/1.1 connection, on which one request after the other is answered. [N-3]"""

from __future__ import annotations

import asyncio
from typing import Final

import httptools

from waves.providers.answers import Answer, NoAnswer

MOST_BYTES: Final = 1_000_000  # of an answer
FIRST_FINAL: Final = 200  # after an answer with a lower status another one follows
# Old servers, and what stands before them, write answers like that, and their meaning is plain.
UNTIDY: Final = {
    "lenient_headers": True,  # folded, or with a space before the colon
    "lenient_optional_cr_before_lf": True,
    "lenient_spaces_after_chunk_size": True,
}
FRAMING: Final = {b"content-length", b"transfer-encoding"}


class HttpConnection(asyncio.Protocol):
    """Ask, await the answer, and ask again while it `is_free`."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**UNTIDY)
        self._transport: asyncio.Transport
        self._waiting: asyncio.Future[Answer] | None = None
        self._answer: Answer | None = None
        self._headers: dict[bytes, bytes] = {}
        self._body = b""
        self._ends_with_connection = False
        self._is_kept = True

    @property
    def is_free(self) -> bool:
        """Whether the next request may go over it."""
        return self._is_kept and self._waiting is None and not self._transport.is_closing()

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Write a request. The answer, or NoAnswer, is in the result."""
        self._answer = None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def end(self) -> None:
        """Close it, whatever is under way."""
        self._is_kept = self._ends_with_connection = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a TCP connection

    def data_received(self, data: bytes) -> None:
        """What comes behind an answer, or where nothing was asked, is nobody's: it ends the
        connection.
        """
        if self._waiting is None:
            self.end()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.end()
        if self._answer is not None:
            self._give()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_kept = False
        if self._ends_with_connection and error is None:
            self.on_message_complete()
        self._give()

    def _give(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.done():
            return
        if self._answer is None:
            waiting.set_exception(NoAnswer())
        else:
            waiting.set_result(self._answer)

    # the parser calls these

    def on_message_begin(self) -> None:
        self._headers, self._body = {}, b""
        if self._answer is not None:
            self._is_kept = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._ends_with_connection = self._headers.keys().isdisjoint(FRAMING)

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MOST_BYTES:
            raise ValueError("the answer is too long")

    def on_message_complete(self) -> None:
        self._ends_with_connection = False
        status = self._parser.get_status_code()
        if self._answer is None and status >= FIRST_FINAL:
            self._is_kept = self._is_kept and self._parser.should_keep_alive()
            patience = self._headers.get(b"retry-after", b"").decode("latin-1")
            self._answer = Answer(status, patience, self._body)
