"""What a code service may answer, and every way in which it may not. [K-4]"""

from __future__ import annotations

import pytest

from waves.codes import partner_answers
from waves.codes.partner_answers import AssignedThere, BadAnswer, code_problem

BAD_CODES = {
    "": "empty",
    "A" * 65: "more than 64",
    "A B": "space",
    "AB\n": "control",
    "AB\x00": "control",
    "CÖDE": "not ASCII",
    "tm": "placeholder",
    7: "not a text",
    None: "not a text",
}


@pytest.mark.parametrize(("code", "problem"), BAD_CODES.items())
def test_k4_what_is_no_code_is_said_in_words_without_the_code(code, problem):
    assert problem in code_problem(code)
    with pytest.raises(BadAnswer, match=problem) as caught:
        partner_answers.reserved({"codes": ["GOOD1", code]}, most=2)
    assert caught.value.codes == ("GOOD1",)
    with pytest.raises(BadAnswer, match=problem):
        partner_answers.generated({"code": code})


def test_k4_codes_may_be_fewer_than_asked_never_more_and_never_the_same_twice():
    assert partner_answers.reserved({"codes": ["A-1", "b!2"]}, most=5) == ["A-1", "b!2"]
    with pytest.raises(BadAnswer, match="2 codes instead of 1"):
        partner_answers.reserved({"codes": ["A", "B"]}, most=1)
    with pytest.raises(BadAnswer, match="1 code given twice"):
        partner_answers.reserved({"codes": ["Ab", "aB", "C"]}, most=3)


@pytest.mark.parametrize("answer", [[], None, "x", {}, {"codes": 7}, {"codes": {"A": 1}}])
def test_k4_an_answer_of_another_shape_is_refused(answer):
    with pytest.raises(BadAnswer):
        partner_answers.reserved(answer, most=1)


@pytest.mark.parametrize(
    "counts",
    [
        {"in": 2, "valid": 3, "updated": 0},
        {"in": 3, "valid": 3, "updated": 3},
        {"in": 2, "valid": 1, "updated": 2},
        {"in": 2, "valid": -1, "updated": 0},
        {"in": 2, "valid": "2", "updated": 2},
        {"in": 2, "valid": True, "updated": 0},
        {"in": 2, "valid": 2},
        7,
    ],
)
def test_w11_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(BadAnswer):
        partner_answers.assigned(counts, asked=2)


def test_w11_fewer_valid_than_asked_is_an_answer():
    found = partner_answers.assigned({"in": 2, "valid": 1, "updated": 0}, asked=2)
    assert found == AssignedThere(asked=2, valid=1, updated=0)


def test_k4_only_states_of_codes_that_were_asked_for_are_believed():
    answer = {"statuses": {"A": "reserved", "other": "assigned"}}
    assert partner_answers.states(answer, asked=["A", "B"]) == {"A": "reserved"}
    with pytest.raises(BadAnswer):
        partner_answers.states({"statuses": {"A": 7}}, asked=["A"])
    with pytest.raises(BadAnswer):
        partner_answers.released({"released": 3}, asked=2)
