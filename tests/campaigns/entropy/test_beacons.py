"""A drand round is believed by its signature, whoever gave it. [S-8]"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from campaigns.entropy.beacons import beacon_in, verify
from campaigns.errors import BadBeacon
from sandbox.drand import ROUNDS

ROUND = ROUNDS[72_785]


def beacon(**changes):
    return beacon_in(json.dumps(ROUND | changes).encode(), asked=ROUND["round"])


@pytest.mark.parametrize("number", [1, 72_785, 2_183_668])
def test_recorded_rounds_of_the_default_chain_are_what_the_league_of_entropy_signed(number):
    told = ROUNDS[number]
    found = beacon_in(json.dumps(told).encode(), asked=number)
    assert found.randomness == told["randomness"]
    verify(found)
    assert sys.getrecursionlimit() < 10_000  # else deeply nested JSON would end the process


@pytest.mark.parametrize(
    "changes",
    [
        {"round": ROUND["round"] + 1},
        {"signature": bytes.fromhex(ROUNDS[9]["signature"])},
        {"signature": b"\xc0" + bytes(95)},
    ],
)
def test_a_round_that_was_changed_is_not_believed(changes):
    with pytest.raises(BadBeacon, match="not of the default chain"):
        verify(replace(beacon(), **changes))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"round": 72_786}, "of round 72786, not 72785"),
        ({"round": "72785"}, "of round '72785'"),
        ({"round": 72785.0}, "of round 72785.0"),
        ({"randomness": ROUNDS[9]["randomness"]}, "not the SHA-256 of the signature"),
        ({"randomness": ROUND["randomness"].upper()}, "64 lower-case hex digits"),
        ({"randomness": None}, "randomness is missing"),
        ({"signature": ROUND["signature"][:-2]}, "signature is not 192 hex digits"),
        ({"signature": "zz" * 96}, "signature is not 192 hex digits"),
        ({"signature": "é" * 192}, "signature is not 192 hex digits"),
        ({"previous_signature": "00" * 32}, "previous_signature is not 192 hex digits"),
    ],
)
def test_an_answer_that_is_not_the_round_is_refused_with_what_is_wrong(changes, named):
    with pytest.raises(BadBeacon, match=named):
        beacon(**changes)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"round": NaN}']
)
def test_an_answer_that_is_no_object_is_refused(content):
    with pytest.raises(BadBeacon):
        beacon_in(content, asked=1)
