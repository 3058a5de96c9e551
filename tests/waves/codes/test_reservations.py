"""The codes that are reserved for a wave. [K-5]"""

from __future__ import annotations

import polars as pl
import pytest
from django.db import IntegrityError, transaction

from tests.support.waves import KEY, NOTIFY, NOW, campaign_with, person, request
from tests.waves.codes.imported import imported
from waves.codes import imported_codes, reservations
from waves.models import Code, Wave
from waves.preparation.submission import submit


@pytest.mark.django_db
def test_k5_one_reservation_for_each_fan_and_wave():
    campaign = campaign_with(1)
    submit(request(campaign), by=person("ann"), now=NOW)
    wave = Wave.objects.get(campaign=campaign)
    Code.objects.create(
        campaign=campaign, code="FIRST222", state="reserved", wave=wave, global_user_id="u"
    )
    with pytest.raises(IntegrityError, match="code_one_reservation"), transaction.atomic():
        Code.objects.create(
            campaign=campaign, code="SECOND22", state="reserved", wave=wave, global_user_id="u"
        )


@pytest.mark.django_db
def test_k5_a_fan_who_is_selected_for_another_market_keeps_a_code_that_is_for_every_market_only():
    campaign = campaign_with(1)
    imported(campaign, "EVERY1")
    imported(campaign, "WEST1", market="west")
    wave = Wave.objects.create(
        campaign=campaign, date_key=KEY, name=f"{campaign.campaign_id}_{KEY}", notify_date=NOTIFY
    )
    keys = dict(campaign.markets.values_list("market_id", "pk"))
    members = pl.DataFrame({"global_user_id": ["a", "b"], "market": keys["west"]})
    list(imported_codes.reserve(wave, members, now=NOW, fence=lambda: None))
    moved = members.with_columns(
        pl.lit(keys["east"]).alias("market"), pl.Series("sources", [["partner"]] * 2)
    )
    assert reservations.usable(wave, moved, lambda: None).rows() == [("b", "EVERY1")]
    states = Code.objects.values_list("code", "state", "market__market_id")
    assert set(states) == {("EVERY1", "reserved", "east"), ("WEST1", "available", None)}
