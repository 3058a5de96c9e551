"""The words for states and reasons, and the steps that a state has behind it."""

from __future__ import annotations

import pytest

from console.words import FILE_STEPS, STEP_OF_STATE, WAVE_STEPS, steps, words


def test_a_name_without_words_of_its_own_is_spelled_out():
    assert words("never_heard_of") == "Never heard of"


@pytest.mark.parametrize("state", WAVE_STEPS)
def test_all_steps_before_a_state_are_done_and_none_behind_it(state):
    at = WAVE_STEPS.index(state)
    shown = [mark for _, mark in steps(WAVE_STEPS, state)]
    assert shown[:at] == ["done"] * at
    assert shown[at] == ("done" if state == WAVE_STEPS[-1] else "now")
    assert not any(shown[at + 1 :])


def test_a_state_beside_the_steps_stands_at_the_step_it_left():
    for state, step in STEP_OF_STATE.items():
        assert steps(WAVE_STEPS, state) == steps(WAVE_STEPS, step)


def test_a_failed_file_begins_again_and_an_unknown_state_has_no_step():
    assert steps(FILE_STEPS, "failed")[0] == ("uploaded", "now")
    assert steps(FILE_STEPS, "cancelled") == [(step, "") for step in FILE_STEPS]
