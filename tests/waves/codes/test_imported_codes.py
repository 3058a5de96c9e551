"""Imported codes of a wave. [K-4]"""

from __future__ import annotations

import polars as pl
import pytest

from tests.support.waves import KEY, NOTIFY, NOW, campaign_with
from tests.waves.codes.imported import imported
from waves.codes import imported_codes
from waves.models import Code, Wave


@pytest.mark.django_db
def test_k4_codes_for_every_market_are_left_to_the_fans_for_whom_there_are_no_others():
    campaign = campaign_with(1)
    imported(campaign, "EVERY1", "EVERY2", "EVERY3")
    imported(campaign, "WEST1", market="west")
    wave = Wave.objects.create(
        campaign=campaign, date_key=KEY, name=f"{campaign.campaign_id}_{KEY}", notify_date=NOTIFY
    )
    keys = dict(campaign.markets.values_list("market_id", "pk"))
    members = pl.DataFrame(
        {
            "global_user_id": ["a", "b", "c", "d", "e"],
            "market": [keys[market] for market in ("west", "east", "west", "east", "east")],
        }
    )
    served = imported_codes.reserve(wave, members, now=NOW, fence=lambda: None)
    assert [(market.market_id, fans, count) for market, fans, count in served] == [
        ("west", ["a", "c"], 2),
        ("east", ["b", "d", "e"], 2),
    ]
    assert dict(Code.objects.filter(wave=wave).values_list("code", "global_user_id")) == {
        "WEST1": "a",
        "EVERY1": "c",
        "EVERY2": "b",
        "EVERY3": "d",
    }
