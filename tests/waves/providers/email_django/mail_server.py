"""A mail server over real connections, which misbehaves as it is told to."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

END: Final = (b".\r\n", b"")
GREETING, WELL, GO_ON = "220 mail.example", "250 ok", "354 go on"


def _answering() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Mailbox:
    """What the server took, by recipient, and how it treats those who send. `closes_after`: so many
    e-mails of a connection. `answers`: to a recipient, else to a step (MAIL, DATA, END), in place
    of its usual one. `cuts`: the step at which it hangs up. While `answers_again` is clear, what was
    handed over gets no answer.
    """

    closes_after: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    cuts: str = ""
    taken: Counter[str] = field(default_factory=Counter)
    answers_again: threading.Event = field(default_factory=_answering)
    connections: int = 0
    port: int = 0


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        box = self.server.box
        box.connections += 1
        self._say(GREETING)
        taken, to = 0, ""
        while line := self.rfile.readline().decode():
            step = line[:4].strip().upper()
            if step == box.cuts:
                return None
            if step == "QUIT":
                return self._say("221 bye")
            if step == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
            if step != "DATA" or "DATA" in box.answers:
                self._say(box.answers.get(to if step == "RCPT" else step, WELL))
                continue
            self._say(GO_ON)
            while self.rfile.readline() not in END:
                pass
            if box.cuts == "END":
                return None
            if "END" not in box.answers:
                box.taken[to] += 1
                taken += 1
            box.answers_again.wait()
            self._say(box.answers.get("END", WELL))
            if taken == box.closes_after:
                return None
        return None

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True

    def __init__(self, box: Mailbox) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.box = box


@contextmanager
def running(**behaviour: object) -> Iterator[Mailbox]:
    """A mail server on a free port until the block ends."""
    box = Mailbox(**behaviour)  # type: ignore[arg-type]
    with _Server(box) as server:
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield box
        server.shutdown()
