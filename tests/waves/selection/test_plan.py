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
from waves.errors import (
    NoActiveScores,
    UnknownMarket,
)
from waves.preparation.prepare import prepare

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
    archived_at = NOW if status == "archived" else None
    Campaign.objects.filter(pk=campaign.pk).update(status=status, archived_at=archived_at)
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
