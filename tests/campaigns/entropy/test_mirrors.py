"""A round is asked of several mirrors over real connections until one gives it intact. [S-8]"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

import sandbox
from campaigns.entropy import mirrors
from campaigns.errors import SourceOutOfReach
from sandbox.drand import ROUNDS

NUMBER = 72_785
AWAY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def box():
    with sandbox.running() as running:
        yield running


def test_the_next_mirror_is_asked_where_one_is_away_or_fails(box):
    asked = [AWAY, f"{box.url}/drand/broken/", f"{box.url}/drand/empty", f"{box.url}/drand"]
    before = Counter(box.received()["drand"])
    found = mirrors.fetch([*asked, f"{box.url}/drand/wrong"], NUMBER)
    assert found.beacon.randomness == ROUNDS[NUMBER]["randomness"]
    assert found.mirror == f"{box.url}/drand"
    assert Counter(box.received()["drand"]) - before == {"broken": 1, "empty": 1, "honest": 1}


def test_what_is_wrong_with_each_mirror_is_named(box):
    hows = ("slow", "wrong", "cut", "empty", "endless", "broken", "moved")
    asked = [AWAY, *(f"{box.url}/drand/{how}" for how in hows)]
    with pytest.raises(SourceOutOfReach) as refused:
        mirrors.fetch(asked, NUMBER, timeout_seconds=0.5)
    said = str(refused.value).split("; ")
    assert "No mirror gave drand round 72785." in said[0]
    faults = ("refused", "no answer in time", "not of the default chain", "was cut", "not JSON",
              "longer than 10,000 bytes", "HTTP 500", "HTTP 302")  # fmt: skip
    for mirror, sentence, fault in zip(asked, said, faults, strict=True):
        assert f"{mirror}: " in sentence
        assert fault in sentence


def test_a_round_that_is_not_there_yet_is_named_as_such(box):
    with pytest.raises(SourceOutOfReach, match="does not have the round"):
        mirrors.fetch([f"{box.url}/drand"], 5)


def test_no_mirror_in_the_settings_is_named():
    with pytest.raises(SourceOutOfReach, match="DRAND_URLS"):
        mirrors.fetch([], NUMBER)


@contextmanager
def dripping() -> Iterator[str]:
    """The address of a mirror that begins to answer and never ends its headers."""
    ended = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            # a mirror that is not left within ten seconds leaves by itself
            for _ in range(200):
                connection.sendall(b"x")
                if ended.wait(0.05):
                    break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join()


def test_a_mirror_that_drips_its_headers_is_left_when_its_time_is_over():
    with dripping() as mirror, pytest.raises(SourceOutOfReach, match="no answer in time"):
        mirrors.fetch([mirror], NUMBER, timeout_seconds=0.3)
