"""What holds where a request leaves it open. Nothing is read. [W-5]"""

from __future__ import annotations

import pytest

from waves.choices import Order, WaveKind
from waves.errors import BadMinimumScore, WrongState
from waves.models import Wave
from waves.selection.request import (
    OwnRules,
    WaveRequest,
    kind_of,
    own_rules_of,
    wave_topped_up,
)

STORED = OwnRules(Order.SINGLE_MARKET, "west", 0.5, reassign=True)


def asked(**values) -> WaveRequest:
    return WaveRequest("tour", "20260121", **values)


def stored(**values) -> Wave:
    rules = {"order": "single_market", "single_market": "west", "min_score": 0.5, "reassign": True}
    return Wave(name="tour_20260121", **(rules | values))


def test_w5_what_a_request_leaves_open_is_as_the_wave_has_it_or_else_the_default():
    assert own_rules_of(asked(), stored()) == STORED
    assert own_rules_of(asked(), None) == OwnRules(Order.BY_PREFERENCE, "", None, reassign=False)


def test_w5_what_a_request_says_replaces_what_the_wave_has():
    order = asked(order=Order.BY_MARKET_ORDER, min_score=0.0, reassign=False)
    assert own_rules_of(order, stored()) == OwnRules(Order.BY_MARKET_ORDER, "", 0.0, reassign=False)
    alone = own_rules_of(asked(single_market="east"), None)
    assert (alone.order, alone.single_market) == (Order.SINGLE_MARKET, "east")


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_w5_a_minimum_that_no_score_can_have_is_refused(score):
    with pytest.raises(BadMinimumScore):
        own_rules_of(asked(min_score=score), None)


def test_x7_a_top_up_stays_one_until_it_is_given_rules_of_its_own():
    wave = stored(tops_up_id=7)
    assert wave_topped_up(asked(), wave) == 7
    assert wave_topped_up(asked(min_score=0.4), wave) is None
    assert wave_topped_up(asked(min_score=0.4, tops_up=8), wave) == 8


def test_w3_an_uploaded_list_is_not_selected():
    with pytest.raises(WrongState, match="is an uploaded list"):
        kind_of(asked(), stored(kind="uploaded"))
    assert kind_of(asked(kind=WaveKind.NOT_SELECTED), None) == WaveKind.NOT_SELECTED
