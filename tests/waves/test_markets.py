"""Markets and their seats, as the campaign has them. [W-5]"""

from __future__ import annotations

import pytest

from tests.support.waves import campaign_with
from waves.markets import seats_of_campaign


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
