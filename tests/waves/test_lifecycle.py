"""The table of moves. [W-2]"""

from __future__ import annotations

import itertools

from waves.actions import RESETTABLE
from waves.choices import WaveState
from waves.lifecycle import MOVES, allowed, sources

BEFORE_COMPLETED = set(WaveState) - {WaveState.COMPLETED, WaveState.CANCELLED}


def test_every_state_has_a_row_in_the_table():
    assert set(MOVES) == set(WaveState)


def test_every_state_before_completed_can_be_cancelled_and_no_other():
    assert sources(WaveState.CANCELLED) == BEFORE_COMPLETED


def test_completed_and_cancelled_are_the_only_ends():
    assert {state for state, targets in MOVES.items() if not targets} == {
        WaveState.COMPLETED,
        WaveState.CANCELLED,
    }


def test_the_straight_path_is_allowed():
    straight = ["configured", "prepared", "approved", "scheduled", "triggered", "completed"]
    assert all(
        allowed(WaveState(here), WaveState(there)) for here, there in itertools.pairwise(straight)
    )


def test_nothing_is_sent_without_approval_and_schedule():
    """Every path from CONFIGURED to TRIGGERED leads through APPROVED and SCHEDULED."""
    for gate in (WaveState.APPROVED, WaveState.SCHEDULED):
        reached, frontier = {WaveState.CONFIGURED}, {WaveState.CONFIGURED}
        while frontier:
            frontier = {target for state in frontier for target in MOVES[state]} - reached - {gate}
            reached |= frontier
        assert WaveState.TRIGGERED not in reached


def test_a_held_wave_moves_only_by_a_persons_decision():
    assert MOVES[WaveState.HELD] == {WaveState.TRIGGERED, WaveState.PREPARED, WaveState.CANCELLED}


def test_w2_a_reset_leads_back_from_every_state_before_scheduled():
    """From SCHEDULED only a change of members does."""
    before = {WaveState.CODE_GENERATED, WaveState.FAILED, WaveState.PREPARED, WaveState.APPROVED}
    assert sources(WaveState.CONFIGURED) == {*before, WaveState.SCHEDULED}
    assert set(RESETTABLE) == {*before, WaveState.CONFIGURED}


def test_w2_a_change_of_what_is_said_leads_back_to_prepared_only_from_what_was_approved():
    assert sources(WaveState.PREPARED) == {
        *(WaveState.CONFIGURED, WaveState.CODE_GENERATED),
        *(WaveState.APPROVED, WaveState.SCHEDULED, WaveState.HELD),
    }
