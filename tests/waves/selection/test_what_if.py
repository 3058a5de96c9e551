"""Plans that differ from a wave's, and what they do otherwise. [X-4]"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from campaigns.models import Registrant
from operations.errors import BadValue
from tests.support.waves import NOW, campaign_with, request
from waves.choices import Order
from waves.errors import UnknownMarket
from waves.markets import seats_of_campaign
from waves.preparation.previews import judged_plan
from waves.selection.planned_selection import select_each
from waves.selection.what_if import PlanChange, changed, changes_of, compared, differences

pytestmark = pytest.mark.django_db


def plans_beside(campaign, *changes, **asked):
    """The result of the plan that is asked for, and of each changed one."""
    own = seats_of_campaign(campaign.markets.all(), "own", {})
    basis = request(campaign, **asked)
    others = [changed(basis, change, own, own, now=NOW) for change in changes]
    return compared(select_each([judged_plan(each, now=NOW) for each in (basis, *others)]))


def test_x4_a_plan_shows_how_many_more_or_fewer_it_selects_in_each_market():
    campaign = campaign_with(30, {"west": 5, "east": 5})
    first, smaller = plans_beside(campaign, PlanChange(capacities={"east": 2}))
    assert (first["selected"], first["change"]) == (10, 0)
    assert {market["market_id"]: market["change"] for market in smaller["markets"]} == {
        "west": 0,
        "east": -3,
    }
    assert (smaller["change"], smaller["waitlist_change"]) == (-3, 3)
    assert (smaller["joining"], smaller["leaving"], smaller["moving"]) == (0, 3, 0)


def test_x4_a_plan_changes_minimum_order_and_market():
    campaign = campaign_with(30, preferences=[["east", "west"]] * 30)
    _, higher, by_market, alone = plans_beside(
        campaign,
        PlanChange(min_score=0.8),
        PlanChange(order=Order.BY_MARKET_ORDER),
        PlanChange(single_market="east"),
    )
    assert higher["excluded"]["below_minimum_score"] > 0
    # west, which nobody prefers, is filled first: the best five are there instead
    assert by_market["moving"] == 10
    assert [market["market_id"] for market in alone["markets"]] == ["east"]


def test_x4_a_plan_of_one_market_is_opened_to_all_again():
    campaign = campaign_with(30)
    single = {"order": Order.SINGLE_MARKET, "single_market": "east"}
    first, everywhere = plans_beside(campaign, PlanChange(order=Order.BY_PREFERENCE), **single)
    assert (first["selected"], everywhere["change"]) == (5, 5)


def test_x4_late_registrations_count_when_a_plan_moves_the_selection_times_to_now():
    campaign = campaign_with(6)
    late = Registrant.objects.filter(campaign=campaign, global_user_id__endswith="5")
    late.update(registered_at=NOW - timedelta(minutes=5))
    first, with_late = plans_beside(campaign, PlanChange(late_registrations=True))
    assert first["excluded"] == {"registered_too_late": 1}
    assert (with_late["excluded"], with_late["candidates"]) == ({}, 6)


def test_a_change_of_nothing_is_no_change():
    assert not PlanChange()
    assert PlanChange(capacities={"west": 0})
    assert PlanChange(min_score=0.0)


def test_fans_who_join_leave_or_get_another_market_are_counted_apart():
    def selection(**markets: str) -> pl.DataFrame:
        return pl.DataFrame(
            {"global_user_id": list(markets), "market_id": list(markets.values())},
            schema={"global_user_id": pl.String, "market_id": pl.String},
        )

    one = selection(a="west", b="west", c="east")
    other = selection(a="west", b="east", d="east", e="east")
    assert differences(one, other) == {"joining": 2, "leaving": 1, "moving": 1}
    assert differences(one, one) == {"joining": 0, "leaving": 0, "moving": 0}


def test_plans_are_read_from_a_file():
    text = b"""[{"capacities": {"west": 3}, "late_registrations": true},
        {"order": "single_market", "single_market": "east", "min_score": 0.5, "reassign": false}]"""
    assert changes_of(text) == [
        PlanChange({"west": 3}, late_registrations=True),
        PlanChange(min_score=0.5, order=Order.SINGLE_MARKET, single_market="east", reassign=False),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "write a list of 1 to 3 objects"),
        ("[{}, {}, {}, {}]", "write a list of 1 to 3 objects"),
        ("[7]", "plan 2: write an object, not 7"),
        ('[{}, {"capacity": 7}]', "plan 3: 'capacity' is unknown"),
        ('[{"capacities": {"west": -1}}]', "plan 2, capacities, west: -1"),
        ('[{"capacities": [1]}]', "write an object of market ids, not a list"),
        ('[{"min_score": 2}]', "plan 2, min_score: 2 is not a number from 0 to 1"),
        ('[{"order": "luck"}]', "plan 2, order: 'luck' is unknown"),
        ('[{"late_registrations": "yes"}]', "write true or false"),
    ],
)
def test_plans_that_cannot_be_meant_are_refused_by_name(text, problem):
    with pytest.raises(BadValue) as refused:
        changes_of(text.encode())
    assert problem in str(refused.value)


def test_a_plan_changes_no_market_that_the_wave_does_not_have():
    campaign = campaign_with(3)
    with pytest.raises(UnknownMarket, match="'north' is not in this wave"):
        plans_beside(campaign, PlanChange(capacities={"north": 1}))
