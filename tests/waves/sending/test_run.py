"""What the parts of a sender share. [N-2, N-6]"""

from __future__ import annotations

import pytest

from tests.support.sending import triggered_wave
from waves.models import Wave
from waves.sending.run import CHECK_VALID_SECONDS, RunState, Timing, wave_stops


def test_n2_slots_are_free_only_when_the_last_request_of_a_dead_sender_is_over():
    timing = Timing(timeout=7.0)
    last_answer = CHECK_VALID_SECONDS + timing.timeout
    assert timing.slot_lease > last_answer


def test_n6_a_run_ends_once_and_keeps_its_first_reason():
    state = RunState()
    state.end("paused")
    state.end("")
    assert (state.over, state.why, state.changed.is_set()) == (True, "paused", True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, ""),
        ({"state": "paused"}, "the wave is paused"),
        ({"state": "completed"}, ""),
        ({"state": "completed", "queue": "paused"}, "the wave is completed, and its remaining"),
        ({"approved_digest": "0" * 64, "content_digest": "0" * 64}, "the wave's content changed"),
    ],
)
def test_n6_x5_a_run_asks_whether_the_wave_is_still_sent_and_says_the_same(values, why):
    wave = triggered_wave(1)
    Wave.objects.filter(pk=wave.pk).update(
        **values, **({"counted_digest": "0" * 64} if "content_digest" in values else {})
    )
    assert wave_stops(wave).startswith(why)
    assert bool(wave_stops(wave)) == bool(why)
