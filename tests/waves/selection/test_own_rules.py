"""A wave's own minimum, order, single market, choice of markets or selection times need a right and
a reason, and stand in public with the members they moved. [S-8, W-5]
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from campaigns.errors import LateRefused
from campaigns.late_changes import public_lateness
from campaigns.models import Campaign, LateChange
from tests.support.people import keeper
from tests.support.waves import KEY, NOW, campaign_with, person, request
from waves.choices import Order
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview
from waves.preparation.submission import submit
from waves.selection.own_rules import moved_between

pytestmark = pytest.mark.django_db

HEADER = "marketId,marketName,capacity,selectionTime\n"
EARLIER = (NOW - timedelta(days=2)).isoformat()  # everybody registered before
OWN = {
    "minimum score 0.7": {"min_score": 0.7},
    "filled in market order": {"order": Order.BY_MARKET_ORDER},
    "market east alone": {"order": Order.SINGLE_MARKET, "single_market": "east"},
    "1 market left out": {"market_file": f"{HEADER}east,,,\n".encode()},
    "1 selection time of its own": {"market_file": f"{HEADER}west,,,{EARLIER}\neast,,,\n".encode()},
}


def selection(**markets: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"global_user_id": list(markets), "market_id": list(markets.values())},
        schema={"global_user_id": pl.String, "market_id": pl.String},
    )


def test_who_is_in_one_selection_alone_or_in_another_market_is_moved():
    one, other = selection(a="west", b="west", c="east"), selection(a="west", b="east", d="east")
    assert moved_between(one, other) == moved_between(other, one) == 3
    assert moved_between(one, one) == moved_between(selection(), selection()) == 0


@pytest.mark.parametrize("own", OWN)
def test_rules_of_its_own_are_refused_without_the_right_or_a_reason_before_anything_is_written(own):
    campaign, now = campaign_with(12), NOW
    asked = request(campaign, **OWN[own])
    for by, reason in ((person("ann"), "why not"), (keeper(), "")):
        for ask in (prepare, submit):
            with pytest.raises(LateRefused, match=f"own rule .{own}. of campaign .* is late"):
                ask(asked, by=by, now=now, reason=reason)
        assert own in str(preview(asked, by=by, now=now, reason=reason).warnings)
    assert preview(asked, by=keeper(), now=now, reason="why not").warnings == ()
    assert not Wave.objects.exists()


@pytest.mark.parametrize("own", OWN)
def test_what_they_moved_is_public_and_the_waves_date_is_not(own):
    """Whom the campaign's own rules select, a preview says."""
    campaign = campaign_with(12)
    without = preview(request(campaign), now=NOW).planned.selection.members
    prepared = prepare(request(campaign, **OWN[own]), by=keeper(), now=NOW, reason="a test")
    pairs = [
        set(members.select("global_user_id", "market_id").iter_rows())
        for members in (without, prepared.planned.selection.members)
    ]
    moved = len({fan for fan, _ in pairs[0] ^ pairs[1]})
    # nobody prefers a market here, and everybody registered in time
    assert moved or own in ("filled in market order", "1 selection time of its own")
    (late,) = public_lateness(Campaign.objects.get(pk=campaign.pk))["late"]
    assert (late["kind"], late["subject"]) == ("wave_rules", f"a wave's own rules: {own}")
    assert (late["moved"], late["reason"]) == (moved, "a test")
    assert KEY not in str(late)
    assert LateChange.objects.get().details == {"wave": KEY}


def test_a_minimum_that_changes_nothing_is_no_rule_of_its_own():
    campaign = campaign_with(12, min_score=0.5)
    prepare(request(campaign, min_score=0.4), by=person("ann"), now=NOW)
    assert not LateChange.objects.exists()


def test_a_markets_file_that_names_one_market_moves_as_many_as_that_market_alone():
    moved = []
    for own in ("1 market left out", "market east alone"):
        prepare(request(campaign_with(12), **OWN[own]), by=keeper(), now=NOW, reason="a test")
        moved.append(LateChange.objects.latest("id").moved)
    assert moved[0] == moved[1] > 0


def test_a_selection_time_of_its_own_counts_those_whom_it_lets_in():
    """They registered after the campaign's own time of the market."""
    campaign = campaign_with(4, {"west": 2, "east": 9})
    campaign.markets.update(selection_time=NOW - timedelta(days=9))
    asked = request(campaign, market_file=f"{HEADER}west,,,{EARLIER}\neast,,,\n".encode())
    prepared = prepare(asked, by=keeper(), now=NOW, reason="a test")
    assert prepared.wave.selected == LateChange.objects.get().moved == 2


def test_capacities_and_names_of_its_own_are_free():
    file = f"{HEADER}west,The West,2,\neast,,3,\n".encode()
    prepare(request(campaign_with(12), market_file=file), by=person("ann"), now=NOW)
    assert not LateChange.objects.exists()
