"""What is an answer, and which connection is used again. [N-3]"""

from __future__ import annotations

import asyncio

import pytest

from waves.providers.answers import Answer, NoAnswer
from waves.providers.http_connection import MOST_BYTES, HttpConnection

END = None  # where the provider ends the connection
CUT = ConnectionResetError()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NEXT = b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nnext"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SAID = Answer(200, "", b"ok")


class Wire:
    """A transport that keeps what is written."""

    def __init__(self):
        self.written, self.is_over = [], False

    def write(self, data):
        self.written.append(data)

    def abort(self):
        self.is_over = True

    def is_closing(self):
        return self.is_over


async def answered(connection, *pieces):
    """What a request comes to where these pieces arrive, also once the connection is over."""
    answer = connection.ask(b"request")
    for piece in pieces:
        if isinstance(piece, bytes):
            connection.data_received(piece)
        else:
            connection.connection_lost(piece)
    if connection._transport.is_over:
        connection.connection_lost(None)
    assert answer.done()
    return answer.exception() or answer.result()


def opened():
    connection = HttpConnection()
    connection.connection_made(Wire())
    return connection


def outcome(*pieces):
    async def run():
        return await answered(opened(), *pieces)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ([OK], SAID),
        ([OK[at : at + 1] for at in range(len(OK))], SAID),
        ([CHUNKED + b"2\r\nok\r\n1\r\n!\r\n0\r\n\r\n"], Answer(200, "", b"ok!")),
        ([b"HTTP/1.1 200 OK\r\n\r\nok", b"!", END], Answer(200, "", b"ok!")),
        ([b"HTTP/1.0 200 OK\r\n\r\n", END], Answer(200, "", b"")),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK], SAID),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + OK], SAID),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], Answer(204, "", b"")),
        # as old servers write it
        ([OK.replace(b"Content", b"X: a\r\n b\r\nContent")], SAID),
        ([OK.replace(b"Length:", b"Length :")], SAID),
        ([OK.replace(b"\r\n", b"\n")], SAID),
        ([CHUNKED + b"2 \r\nok\r\n0  \r\n\r\n"], SAID),
        (
            [b"HTTP/1.1 503 Busy\r\nretry-AFTER: 7\r\nContent-Length: 0\r\n\r\n"],
            Answer(503, "7", b""),
        ),
    ],
)
def test_an_answer_is_read_however_it_is_written(pieces, answer):
    assert outcome(*pieces) == answer


@pytest.mark.parametrize(
    "pieces",
    [
        [END],
        [CUT],
        [b"SSH-2.0-server\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", END],
        [CHUNKED + b"2\r\nok\r\n", END],
        [CHUNKED + b"two\r\nok\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Len", END],
        [b"HTTP/1.1 200 OK\r\n\r\nok", CUT],
        [b"HTTP/1.1 100 Continue\r\n\r\n", END],
        [b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MOST_BYTES + 1)],
    ],
)
def test_n3_what_is_no_whole_answer_is_none(pieces):
    assert type(outcome(*pieces)) is NoAnswer


@pytest.mark.parametrize(
    ("first", "is_free"),
    [
        ([OK], True),
        ([CHUNKED + b"2\r\nok\r\n0\r\n\r\n"], True),
        ([OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")], False),
        ([OK.replace(b"1.1", b"1.0")], False),
        ([OK, END], False),
        # what nobody asked for would be taken for the answer to the next request
        ([OK + NEXT], False),
        ([OK, NEXT], False),
        ([OK + NEXT[:20]], False),
        ([OK + b"garbage"], False),
        ([CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + NEXT], False),
    ],
)
def test_n3_a_connection_is_used_again_where_its_last_answer_was_the_last_thing(first, is_free):
    async def run():
        connection = opened()
        found = [await answered(connection, *first)]
        if connection.is_free:
            found.append(await answered(connection, NEXT))
        return found, connection._transport.written

    found, written = asyncio.run(run())
    assert found == [SAID, Answer(202, "", b"next")][: 1 + is_free]
    assert written == [b"request"] * (1 + is_free)
