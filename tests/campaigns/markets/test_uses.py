"""Why a market cannot be deleted, in one sentence. [C-3, S-16]"""

from __future__ import annotations

import pytest

from campaigns.markets.uses import cannot_delete
from tests.support.campaigns import make_campaign
from tests.support.waves import NOW, campaign_with, person, request
from waves.models import Template
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db


def test_a_market_in_use_names_the_wave_and_the_registrants_and_says_what_to_do():
    campaign = campaign_with(3, {"west": 3, "east": 3}, preferences=[["west"], ["west"], []])
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    said = cannot_delete(campaign.markets.get(market_id="west"))
    assert said.startswith("Market west cannot be deleted because it is used by ")
    for user in (f"wave {wave.name}", "2 registrants", "codes"):
        assert user in said
    assert said.endswith(
        "To select nobody more for it, set its capacity to the seats that are given."
    )
    assert "2 registrants" not in cannot_delete(campaign.markets.get(market_id="east"))


def test_an_unused_market_of_a_draft_can_go_and_one_of_an_open_campaign_stays():
    west = make_campaign(opened=False).markets.get(market_id="west")
    assert cannot_delete(west) == ""
    Template.objects.create(campaign=west.campaign, market=west, channel="sms", body="{code}")
    assert cannot_delete(west) == (
        "Market west cannot be deleted because it is used by 1 template. Delete those first."
    )
    assert "because the campaign is open" in cannot_delete(make_campaign().markets.first())
