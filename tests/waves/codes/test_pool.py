"""A code for each member, of the first source that has one. [K-4]"""

from __future__ import annotations

import pytest

from tests.support.waves import NOW, campaign_with, person, request
from tests.waves.codes.imported import codes_in_order, imported
from waves.models import Code
from waves.preparation.prepare import prepare


@pytest.mark.django_db
def test_k4_the_best_fans_get_partner_codes_while_there_are_any_and_the_others_own_ones():
    campaign = campaign_with(9, {"west": 6}, code_source="partner|own")
    imported(campaign, "EVERY1", "EVERY2")
    imported(campaign, "WEST1", market="west")
    imported(campaign, "EAST1", market=campaign_market(campaign, "east"))
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    codes = codes_in_order(wave)
    assert codes[:3] == ["WEST1", "EVERY1", "EVERY2"]
    assert "EAST1" not in codes
    assert {code.source for code in Code.objects.filter(wave=wave, code__in=codes[3:])} == {"own"}


def campaign_market(campaign, market_id):
    first = campaign.markets.first()
    campaign.markets.create(
        market_id=market_id, name=market_id, capacity=0, selection_time=first.selection_time
    )
    return market_id
