"""A wave's markets, as prepared and as the campaign has them. [W-5]"""

from __future__ import annotations

import pytest
from django.db.models import F

from tests.support.waves import NOW, campaign_with, person, request
from waves.markets import seats_of, seats_of_campaign
from waves.preparation.prepare import prepare


@pytest.mark.django_db
def test_w5_a_campaigns_markets_come_in_position_order_with_its_source_of_codes():
    campaign = campaign_with(1, {"west": 3, "east": 2})
    seats = seats_of_campaign(
        reversed(campaign.markets.all()), "tm", {campaign.markets.first().pk: 1}
    )
    assert [(seat.market_id, seat.capacity, seat.room, seat.code_source) for seat in seats] == [
        ("west", 3, 2, "tm"),
        ("east", 2, 2, "tm"),
    ]


@pytest.mark.django_db
def test_w5_a_wave_keeps_its_markets_as_they_were_prepared():
    campaign = campaign_with(4, {"west": 3, "east": 2})
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    before = seats_of(wave)
    campaign.markets.update(capacity=99, name="changed", position=F("position") + 1)
    assert seats_of(wave) == before
    assert [seat.capacity for seat in before] == [3, 2]
