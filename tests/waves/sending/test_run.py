"""What the parts of a sender share. [N-2, N-6]"""

from __future__ import annotations

from waves.sending.run import CHECK_VALID_SECONDS, RunState, Timing


def test_n2_slots_are_free_only_when_the_last_request_of_a_dead_sender_is_over():
    timing = Timing(timeout=7.0)
    last_answer = CHECK_VALID_SECONDS + timing.timeout
    assert timing.slot_lease > last_answer


def test_n6_a_run_ends_once_and_keeps_its_first_reason():
    state = RunState()
    state.end("paused")
    state.end("")
    assert (state.over, state.why, state.changed.is_set()) == (True, "paused", True)
