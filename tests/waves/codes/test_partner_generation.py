"""Codes for the fans of an uploaded wave, many at once. [K-4, W-3]"""

from __future__ import annotations

import threading

import pytest

from tests.waves.codes.code_service import faults, running, service_of
from waves.codes.partner_service import CodeService, generate_many
from waves.errors import BadServiceAnswer, CodeServiceAway

FANS = [(f"fan-{number}", "m") for number in range(1_200)]


@pytest.fixture(scope="module")
def box():
    with running() as box:
        yield box


def outcomes(box, pairs, wave, number=1, **values):
    lists = list(generate_many(pairs, wave=wave, number=number, service=service_of(box, **values)))
    return {one.global_user_id: one for some in lists for one in some}


def test_w3_each_fan_gets_a_code_and_asked_again_in_the_same_batch_the_same_one(box):
    first = outcomes(box, FANS, "g1")
    assert {one.reason for one in first.values()} == {""}
    assert len({one.code for one in first.values()}) == len(FANS)
    assert outcomes(box, FANS[:50], "g1") == {fan: first[fan] for fan, _ in FANS[:50]}
    anew = outcomes(box, FANS[:50], "g1", 2)
    assert not {one.code for one in anew.values()} & {one.code for one in first.values()}


def test_w3_no_answer_is_lost_while_a_full_list_is_handed_over(box):
    """A list is complete when it comes: who keeps it looks at it once."""
    with faults(box, latency_ms=5.0):
        lists = generate_many(FANS, wave="g7", number=1, service=service_of(box))
        assert sum(len(some) for some in lists) == len(FANS)


def test_w3_a_fan_whose_call_fails_has_a_reason_and_the_others_their_codes(box):
    with faults(box, code_faults={"generate": "400:3"}):
        found = outcomes(box, FANS[:40], "g2")
    failed = [one for one in found.values() if not one.code]
    assert len(failed) == 3
    assert {one.reason for one in failed} == {
        "The code service could not generate a code: HTTP 400."
    }


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("nonsense", "'code' is missing"), ("control", "control character")],
)
def test_w3_nonsense_is_the_reason_of_each_fan(box, fault, reason):
    with faults(box, code_faults={"generate": fault}):
        found = outcomes(box, FANS[:5], f"g3 {fault}")
    assert all(reason in one.reason and not one.code for one in found.values())


def test_k1_one_code_for_two_fans_is_given_to_one_of_them(box):
    outcomes(box, FANS[:1], "g4 before")
    with faults(box, code_faults={"generate": "duplicate"}):
        found = outcomes(box, FANS[:5], "g4")
    assert sorted(bool(one.code) for one in found.values()) == [False] * 4 + [True]
    assert {one.reason for one in found.values() if not one.code} == {
        "The code service gave this fan another fan's code."
    }


def test_k4_a_service_that_answers_nobody_ends_the_upload_so_that_it_can_be_repeated():
    away = CodeService("http://127.0.0.1:9", seconds=0.2, concurrency=30)
    with pytest.raises(
        CodeServiceAway, match="Wave g5: the code service gave no usable answer for 30"
    ):
        list(generate_many(FANS, wave="g5", number=1, service=away))


def test_k4_a_service_that_answers_everybody_nonsense_ends_the_upload_so_that_it_can_be_repeated(
    box,
):
    with (
        faults(box, code_faults={"generate": "nonsense"}),
        pytest.raises(BadServiceAnswer, match="no usable answer for 20 fans one after the other"),
    ):
        outcomes(box, FANS[:60], "g8")


def test_a_caller_that_stops_early_ends_the_calls(box):
    service = service_of(box)
    for some in generate_many(FANS * 20, wave="g6", number=1, service=service):
        assert some
        break
    assert not [thread for thread in threading.enumerate() if "code service" in thread.name]
