"""The sandbox keeps its contracts: what the other tests believe it to be."""
# ruff: noqa: S310 every address is the sandbox's own

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import sandbox
from sandbox.behaviour import BadOption, Behaviour, Dice, most_in_a_second
from sandbox.drand import CHAIN, ROUNDS
from tests.support.waiting import LIMIT_SECONDS


@pytest.fixture(scope="module")
def box():
    with sandbox.running(latency_ms=0) as running:
        yield running


@pytest.fixture(autouse=True)
def forgotten(box):
    box.control(
        fail_rates={}, rate_limit_per_second=0, drop_rate=0, honour_keys=True, receipts=False
    )
    box.forget()


def call(box, path, value, **headers):
    headers = {"Authorization": "Bearer sandbox"} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    request = urllib.request.Request(box.url + path, json.dumps(value).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def sms(box, body="hello", key="k1", reference="r1"):
    return call(
        box,
        "/sms",
        {"to": "+12025550123", "body": body, "reference": reference},
        Idempotency_Key=key,
    )


def test_the_same_key_answers_the_first_result_and_is_counted_once(box):
    assert sms(box) == (201, {"id": "sms-1"})
    assert sms(box) == (200, {"id": "sms-1"})
    counts = box.received()["sms"]
    assert (counts["accepted"], counts["repeats"], counts["keys_accepted_twice"]) == (1, 1, 0)


def test_the_same_key_with_another_body_is_a_422(box):
    sms(box)
    assert sms(box, body="other")[0] == 422


def test_without_honoured_keys_a_repeat_is_accepted_again_and_shows(box):
    box.control(honour_keys=False)
    sms(box)
    sms(box)
    assert box.received()["sms"]["keys_accepted_twice"] == 1


def test_a_message_can_be_looked_up_by_reference(box):
    sms(box, reference="r7")
    with urllib.request.urlopen(
        box.url + "/sms/by-reference/r7", timeout=LIMIT_SECONDS
    ) as response:
        assert json.load(response) == {"id": "sms-1", "reference": "r7"}


def test_more_than_the_rate_in_a_rolling_second_is_answered_429_with_retry_after(box):
    box.control(rate_limit_per_second=3, retry_after_seconds=2)
    statuses = [sms(box, key=f"k{n}")[0] for n in range(5)]
    assert statuses == [201, 201, 201, 429, 429]


def test_a_dropped_connection_has_accepted_the_message(box):
    box.control(drop_rate=1.0)
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        sms(box)
    counts = box.received()["sms"]
    assert (counts["accepted"], counts["dropped"]) == (1, 1)


def test_refusals_follow_the_rates_and_the_seed():
    def refusals(seed):
        dice = Dice(seed)
        return [dice.refusal({"503": 0.2, "400": 0.1}) for _ in range(1_000)]

    drawn = refusals(7)
    assert drawn == refusals(7)
    assert drawn != refusals(8)
    assert 150 < drawn.count(503) < 250
    assert 60 < drawn.count(400) < 140


def test_received_messages_come_in_pages(box):
    for number in range(5):
        sms(box, key=f"k{number}", reference=f"r{number}")
    page = box.received(after=0, limit=2)
    assert ([m["reference"] for m in page["messages"]], page["next"]) == (["r0", "r1"], 2)
    assert [m["reference"] for m in box.messages()] == [f"r{n}" for n in range(5)]


def test_an_unknown_or_ill_fitting_option_changes_nothing():
    behaviour = Behaviour()
    with pytest.raises(BadOption, match="latency"):
        behaviour.change({"drop_rate": 0.5, "latency": 3})
    with pytest.raises(BadOption, match="honour_keys"):
        behaviour.change({"drop_rate": 0.5, "honour_keys": 1})
    assert behaviour == Behaviour()


def test_slack_keeps_the_last_post(box):
    request = urllib.request.Request(box.url + "/slack/T1/B2", json.dumps({"text": "hi"}).encode())
    with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as response:
        assert response.read() == b"ok"
    assert box.received()["slack"] == {"posts": 1, "last": {"text": "hi"}}


def test_k4_codes_go_from_reserved_to_assigned_and_repeats_change_nothing(box):
    _, reserved = call(
        box, "/codes/reserve", {"wave": "w", "market": "m", "quantity": 3}, Idempotency_Key="c1"
    )
    assert (
        call(
            box, "/codes/reserve", {"wave": "w", "market": "m", "quantity": 3}, Idempotency_Key="c1"
        )[1]
        == reserved
    )
    first, second, third = reserved["codes"]
    pairs = [
        {"code": first, "fan": "a"},
        {"code": second, "fan": "b"},
        {"code": "NONE", "fan": "c"},
    ]
    assert call(box, "/codes/assign", {"assignments": pairs}, Idempotency_Key="c2")[1] == {
        "in": 3,
        "valid": 2,
        "updated": 2,
    }
    assert call(box, "/codes/assign", {"assignments": pairs}, Idempotency_Key="c3")[1] == {
        "in": 3,
        "valid": 2,
        "updated": 0,
    }
    assert call(box, "/codes/release", {"codes": [first, third]}, Idempotency_Key="c4")[1] == {
        "released": 1
    }
    statuses = call(box, "/codes/status", {"codes": [first, second, third]}, Idempotency_Key="c5")[
        1
    ]["statuses"]
    assert statuses == {first: "assigned", second: "assigned", third: "available"}


def test_k4_the_code_service_wants_a_key_and_at_most_2500(box):
    assert call(box, "/codes/reserve", {"wave": "w", "market": "m", "quantity": 1})[0] == 400
    many = [{"code": "X", "fan": "a"}] * 2_501
    assert call(box, "/codes/assign", {"assignments": many}, Idempotency_Key="c9")[0] == 400


def test_the_drand_server_has_recorded_rounds_of_the_real_chain_and_fails_when_told(box):
    def told(path):
        with urllib.request.urlopen(f"{box.url}/drand/{path}", timeout=LIMIT_SECONDS) as response:
            return json.load(response)

    for number, recorded in ROUNDS.items():
        found = told(f"{CHAIN}/public/{number}")
        assert found == recorded
        signature = bytes.fromhex(found["signature"])
        assert hashlib.sha256(signature).hexdigest() == found["randomness"]
    other = told(f"wrong/{CHAIN}/public/9")
    assert (other["round"], other["randomness"] != ROUNDS[9]["randomness"]) == (9, True)
    for missing in (
        f"{CHAIN}/public/5",
        f"{CHAIN}/public/x",
        "0f/public/9",
        f"odd/{CHAIN}/public/9",
    ):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            told(missing)


def test_receipts_are_posted_in_the_background_and_signed():
    got = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(
                (self.headers["X-Signature"], self.rfile.read(int(self.headers["Content-Length"])))
            )
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, *args):
            pass

    arrived = threading.Event()
    taker = HTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=taker.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{taker.server_port}/receipts/sms_http"
    with sandbox.running(
        latency_ms=0, receipts=True, receipt_url=url, receipt_secret="s3cret"
    ) as posting:
        sms(posting, reference="r1")
        assert arrived.wait(10)
    taker.shutdown()
    taker.server_close()
    signature, body = got[0]
    assert json.loads(body) == {
        "receipts": [{"id": "sms-1", "reference": "r1", "status": "delivered"}]
    }
    parts = dict(part.split("=", 1) for part in signature.split(","))
    expected = hmac.new(b"s3cret", parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert parts["v1"] == expected


def test_the_most_in_a_second_is_counted_over_half_open_seconds():
    assert most_in_a_second([]) == 0
    assert most_in_a_second([0.0, 0.5, 1.0, 1.4]) == 3
    assert most_in_a_second([5.0, 1.0, 2.0]) == 1
