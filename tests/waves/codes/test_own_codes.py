"""Own codes: what lies ready before what is minted. [K-1, K-2, K-5]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.waves import NOW, campaign_with, person, request
from waves.codes import minting
from waves.errors import CodesExhausted
from waves.models import Code
from waves.preparation.prepare import prepare


@pytest.mark.django_db
def test_k1_a_collision_is_tried_again(monkeypatch):
    campaign = campaign_with(3, {"west": 3})
    Code.objects.create(campaign=campaign_with(1), code="taken22222")
    draws = iter([["TAKEN22222", "FRESH22222", "FRESH33333"], ["FRESH44444"]])
    monkeypatch.setattr(minting, "mint", lambda count, **_: next(draws))
    prepared = prepare(request(campaign), by=person("ann"), now=NOW)
    assert prepared.codes["generated"] == 3
    assert set(Code.objects.filter(wave=prepared.wave).values_list("code", flat=True)) == {
        "FRESH22222",
        "FRESH33333",
        "FRESH44444",
    }


@pytest.mark.django_db
def test_k1_when_no_new_code_can_be_found_the_preparation_fails_with_a_hint(monkeypatch):
    campaign = campaign_with(1, {"west": 1})
    Code.objects.create(campaign=campaign_with(1), code="TAKEN22222")
    monkeypatch.setattr(minting, "mint", lambda count, **_: ["TAKEN22222"] * count)
    with pytest.raises(CodesExhausted, match="code length"):
        prepare(request(campaign), by=person("ann"), now=NOW)


@pytest.mark.django_db
def test_k5_available_codes_of_the_campaign_are_used_before_new_ones():
    campaign = campaign_with(4, {"west": 4})
    ready = {Code.objects.create(campaign=campaign, code=f"READY{n}").code for n in range(3)}
    Code.objects.create(campaign=campaign, code="PARTNER1", source="partner")
    prepared = prepare(request(campaign), by=person("ann"), now=NOW)
    used = set(Code.objects.filter(wave=prepared.wave).values_list("code", flat=True))
    assert ready < used
    assert "PARTNER1" not in used
    assert prepared.codes == {"reserved": 4, "generated": 1, "tm": 0}


@pytest.mark.django_db
def test_k2_a_code_carries_its_validity():
    campaign = campaign_with(2, time_zone="America/New_York")
    day_before = datetime(2028, 2, 29, 2, tzinfo=UTC)  # 28 February there
    wave = prepare(request(campaign, notify_date=day_before), by=person("ann"), now=NOW).wave
    code = Code.objects.filter(wave=wave).first()
    assert (code.begins_at.isoformat(), code.ends_at.isoformat()) == (
        "2028-02-28T02:00:00+00:00",
        "2029-03-01T02:00:00+00:00",
    )


@pytest.mark.django_db
def test_k5_a_code_that_is_for_one_market_alone_is_no_own_code_of_others():
    campaign = campaign_with(2, {"west": 2, "east": 0})
    east = campaign.markets.get(market_id="east")
    Code.objects.create(campaign=campaign, code="EASTONLY1", only_market=east)
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    assert not Code.objects.filter(wave=wave, code="EASTONLY1").exists()
