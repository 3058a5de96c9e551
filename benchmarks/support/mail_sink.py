"""A mail server in its own process that takes every e-mail and keeps none."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

END_OF_TEXT = b"\r\n.\r\n"
ANSWERS = {b"QUIT": b"221 bye\r\n", b"DATA": b"354 go on\r\n"}


class Conversation(asyncio.Protocol):
    """One connection: lines until DATA, then a text until the lone full stop."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]
        self._received, self._in_text = b"", False
        self._write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, ended, rest = self._received.partition(END_OF_TEXT if self._in_text else b"\r\n")
            if not ended:
                return
            self._received = rest
            if self._in_text:
                Conversation.taken += 1
                self._write(b"250 taken\r\n")
            else:
                self._write(ANSWERS.get(head[:4].upper(), b"250 ok\r\n"))
            self._in_text = not self._in_text and head[:4].upper() == b"DATA"


@dataclass(frozen=True)
class RunningSink:
    port: int


@contextmanager
def running() -> Iterator[RunningSink]:
    """A sink on a free port until the block ends, or this process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.support.mail_sink"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield RunningSink(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Conversation, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(serve())
