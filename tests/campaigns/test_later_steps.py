from __future__ import annotations

import pytest

from campaigns import later_steps
from campaigns.later_steps import (
    LaterStep,
    campaign_edited,
    market_users,
    register,
    seats_given,
    unfinished,
)


@pytest.fixture(autouse=True)
def no_steps(monkeypatch):
    monkeypatch.setattr(later_steps, "_steps", [])


def test_without_later_steps_nothing_is_left_and_no_seat_is_given():
    assert unfinished(1) == ""
    assert seats_given(1) == {}


def test_what_several_steps_say_is_added_up_and_the_first_that_is_not_done_says_so():
    register(
        LaterStep(
            lambda campaign: "", lambda campaign: {1: 2, 3: 4}, lambda *_: ["a"], lambda _: []
        )
    )
    register(
        LaterStep(
            lambda campaign: f"step two of {campaign}",
            lambda campaign: {3: 1},
            lambda campaign, by: [f"{campaign} by {by}"],
            lambda market: [f"wave of {market}"],
        )
    )
    assert unfinished(7) == "step two of 7"
    assert seats_given(7) == {1: 2, 3: 5}
    assert campaign_edited(7, by=None) == ["a", "7 by None"]
    assert market_users(5) == ["wave of 5"]
