"""A request is checked against the campaign as it is now. [W-5, W-7]"""

from __future__ import annotations

import pytest

from campaigns.errors import WrongStatus
from campaigns.models import Campaign
from datalake.storage import buckets
from tests.support.people import keeper
from tests.support.waves import (
    KEY,
    NOW,
    campaign_with,
    members_of,
    nothing_written,
    request,
)
from waves.choices import Order
from waves.errors import (
    NoActiveScores,
    UnknownMarket,
)
from waves.preparation.prepare import prepare
from waves.selection import candidates
from waves.selection.plan import plan_of, select_each, select_members

pytestmark = pytest.mark.django_db


def test_w5_the_market_file_of_the_bucket_is_laid_over_the_campaigns_markets():
    campaign = campaign_with(10, {"west": 9, "east": 9})
    text = b"marketId,marketName,capacity,selectionTime,codeSource\neast,,2,,tm\n"
    buckets.scoring().put(f"wavePrep/{campaign.campaign_id}/data/{KEY}.csv", text)
    prepared = prepare(request(campaign), by=keeper(), now=NOW, reason="a test")
    assert list(members_of(prepared.wave).values()) == ["TM", "TM"]
    assert [seat.market_id for seat in prepared.planned.plan.seats] == ["east"]


@pytest.mark.parametrize("status", ["draft", "closed", "archived"])
def test_c2_a_campaign_that_is_not_open_has_no_waves(ann, status):
    campaign = campaign_with(5)
    Campaign.objects.filter(pk=campaign.pk).update(status=status)
    with pytest.raises(WrongStatus):
        prepare(request(campaign), by=ann, now=NOW)
    assert nothing_written()


def test_s13_without_an_active_score_file_there_is_nothing_to_select_from(ann):
    campaign = campaign_with(5)
    Campaign.objects.filter(pk=campaign.pk).update(active_score_file=None)
    with pytest.raises(NoActiveScores):
        prepare(request(campaign), by=ann, now=NOW)


def test_w5_a_campaign_without_markets_has_no_waves(ann):
    campaign = campaign_with(0)
    campaign.markets.all().delete()
    with pytest.raises(UnknownMarket, match="has no market"):
        prepare(request(campaign), by=ann, now=NOW)


def test_x4_several_plans_select_from_one_reading_what_each_selects_alone(monkeypatch):
    # everyone prefers the market that is filled last: whatever their luck, each plan differs
    campaign = campaign_with(30, preferences=[["east", "west"]] * 30)
    plans = [
        plan_of(request(campaign, **changed), now=NOW)
        for changed in (
            {},
            {"min_score": 0.8},
            {"order": Order.BY_MARKET_ORDER},
            {"order": Order.SINGLE_MARKET, "single_market": "east"},
        )
    ]
    alone = [select_members(plan).as_result() for plan in plans]
    readings, read = [], candidates.nullable_frames_of
    monkeypatch.setattr(
        candidates, "nullable_frames_of", lambda *a, **k: readings.append(a) or read(*a, **k)
    )
    assert [planned.as_result() for planned in select_each(plans)] == alone
    assert len(readings) == 1
    assert len({result["members_digest"] for result in alone}) == 4
