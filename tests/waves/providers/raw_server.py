"""A server that answers each request with the bytes it was given, whatever they are."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class RawServer:
    """`answers`: to each request in turn; where none is left, nothing is answered."""

    answers: list[bytes]
    url: str = ""
    writers: list = field(default_factory=list)
    ended: int = 0  # of the connections
    requests: list[bytes] = field(default_factory=list)

    async def serve(self, reader, writer):
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                self.requests.append(
                    head + await reader.readexactly(int(length[1] if length else 0))
                )
                if self.answers:
                    writer.write(self.answers.pop(0))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.ended += 1

    @property
    def connections(self) -> int:
        """How many there were."""
        return len(self.writers)


@asynccontextmanager
async def raw_server(*answers):
    """One at a free port."""
    raw = RawServer(list(answers))
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    raw.url = "http://{}:{}".format(*server.sockets[0].getsockname())
    async with server:
        yield raw
        while raw.ended < raw.connections:
            await asyncio.sleep(0)
