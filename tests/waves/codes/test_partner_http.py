"""One call over HTTP: its key, its repeats, its bounds. [K-4]"""

from __future__ import annotations

import asyncio

import pytest

from tests.waves.codes.code_service import faults, running
from waves.codes import partner_http
from waves.codes.partner_http import Call, ask, open_session
from waves.errors import BadServiceAnswer, CodeServiceError


def call(*purpose):
    return Call("status", {"codes": []}, purpose, "The code service could not look up")


def answer(url, asked):
    async def once():
        async with open_session(10.0) as session:
            return await ask(session, url, asked, seconds=2.0)

    return asyncio.run(once())


def test_k4_a_key_is_the_same_for_a_repeat_and_for_nothing_else():
    assert call("w", "1").key == call("w", "1").key
    assert len({call("w", "1").key, call("w1").key, call("w", "2").key}) == 3


def test_k4_patience_is_waited_for_and_what_is_refused_is_not_repeated():
    with running(retry_after_seconds=0.05) as box:
        with faults(box, code_faults={"status": "429:2"}):
            assert answer(box.url, call("a")) == {"statuses": {}}
            assert box.received()["codes"]["calls"] == 3
        with (
            faults(box, code_faults={"status": "404"}),
            pytest.raises(CodeServiceError, match=r"could not look up: HTTP 404\."),
        ):
            answer(box.url, call("b"))
        assert box.received()["codes"]["calls"] == 4


def test_k4_a_page_instead_of_json_is_asked_past_a_few_times(monkeypatch):
    monkeypatch.setattr(partner_http, "FIRST_PAUSE_SECONDS", 0.02)
    with running() as box:
        with faults(box, code_faults={"status": "page:1"}):
            assert answer(box.url, call("a")) == {"statuses": {}}
        with (
            faults(box, code_faults={"status": "page"}),
            pytest.raises(BadServiceAnswer, match=r"not JSON that can be used\. Check CODE_S"),
        ):
            answer(box.url, call("b"))
        assert box.received()["codes"]["calls"] == 2 + partner_http.TRIES


def test_k4_an_address_that_is_none_is_said():
    with pytest.raises(CodeServiceError, match="CODE_SERVICE_URL is not an address"):
        answer("http://[", call("c"))
