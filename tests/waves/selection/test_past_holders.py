"""Whoever was erased and registers again has the seat and the code of before. [X-11, W-5, K-6]"""

from __future__ import annotations

import polars as pl
import pytest

from campaigns.draw import fan_refs
from datalake.erased.fans import known, mark
from tests.support.waves import KEY, NOTIFY, SALT, campaign_with
from waves.models import Code, Wave
from waves.selection.past_holders import PastHolders, past_holders

pytestmark = pytest.mark.django_db


def test_x11_only_erased_fans_are_looked_up_and_each_has_what_they_had():
    for fan in ("was-in", "had-code", "had-none"):
        mark(fan)
    refs = fan_refs(SALT, pl.Series(["was-in", "had-code", "never-erased"]))
    had = {"was_in_wave": [True, False, True], "held_a_code": [False, True, True]}
    past = PastHolders(known(), SALT, pl.DataFrame({"fan_ref": refs, **had}))
    ids = ["had-none", "was-in", "never-erased", f"erased:{refs[0]}.2", "had-code"]
    flags = {"in_wave": [False] * 4 + [True], "holds_code": [False] * 5}
    found = past.counted(pl.DataFrame({"global_user_id": ids, **flags, "more": range(5)}))
    assert found.columns == ["global_user_id", "in_wave", "holds_code", "more"]
    assert found["in_wave"].to_list() == [False, True, False, True, True]
    assert found["holds_code"].to_list() == [False, False, False, False, True]
    assert found["more"].to_list() == [*range(5)]


def test_k6_a_seat_counts_in_its_own_campaign_and_while_its_wave_lives():
    campaign, other = campaign_with(1), campaign_with(1)
    mark("fan-000000")
    wave = Wave.objects.create(
        campaign=campaign,
        date_key=KEY,
        name=f"{campaign.campaign_id}_{KEY}",
        notify_date=NOTIFY,
    )
    name = f"erased:{'a' * 64}.1"
    market = campaign.markets.first()
    code = Code.objects.create(campaign=campaign, code="A1")
    member = {"global_user_id": name, "market": market, "place": 1, "band_score": 0.5}
    wave.members.create(campaign=campaign, code=code.code, **member)

    def held(of, **values) -> list[tuple]:
        return past_holders(of, known(), **({"wave_id": None} | values)).held.rows()

    assert held(campaign) == [("a" * 64, True, False)]
    assert held(campaign, wave_id=wave.pk) == []
    assert held(other) == []
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    assert held(campaign) == []
    assert held(campaign, told=[wave.pk]) == [("a" * 64, True, False)]
