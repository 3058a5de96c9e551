"""What the public sees of waves. [S-10, X-2]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.proof.public_waves import public_waves
from tests.support.database import kept
from tests.support.waves import NOW, campaign_with, person, request
from waves.actions import cancel, reset
from waves.lifecycle import wave_named
from waves.models import Wave
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db
MARKETS_FILE = b"marketId,marketName,capacity,selectionTime\nwest,,2,\n"


def prepared(campaign, date_key="20260121", **values):
    asked = request(campaign, date_key, **values)
    return prepare(asked, by=person("pat", superuser=True), now=NOW, reason="a test").wave


def shown(campaign, *, revealed=False):
    return [page for _, page in public_waves(campaign.pk, revealed=revealed)]


def test_x2_a_wave_is_public_from_its_trigger_on_for_its_date_would_be_known():
    wave = kept.scheduled()
    campaign = wave.campaign
    assert shown(campaign) == []
    Wave.objects.filter(pk=wave.pk).update(state="triggered", triggered_at=NOW)
    assert [page["date_key"] for page in shown(campaign)] == ["20260121"]


def test_s8_a_waves_own_capacity_is_public_beside_its_room():
    campaign = campaign_with()
    prepared(campaign, market_file=MARKETS_FILE)
    market = shown(campaign, revealed=True)[0]["markets"][0]
    assert (market["capacity"], market["own_capacity"], market["room"]) == (5, 2, 2)


def test_s10_waves_are_in_the_order_in_which_they_took_their_members():
    """And say how often they were prepared."""
    campaign, pat = campaign_with(), person("pat", superuser=True)
    prepared(campaign, "20260121", market_file=MARKETS_FILE)
    prepared(campaign, "20260122", market_file=MARKETS_FILE)
    reset(wave_named(f"{campaign.campaign_id}_20260121"), by=pat, reason="again")
    withdrawn = shown(campaign, revealed=True)[0]
    assert (withdrawn["date_key"], withdrawn["kind"]) == ("20260121", "withdrawn")
    assert "markets" not in withdrawn
    prepared(campaign, "20260121", market_file=MARKETS_FILE)
    found = [
        (page["date_key"], page["kind"], page["preparations"])
        for page in shown(campaign, revealed=True)
    ]
    assert found == [("20260122", "drawn", 1), ("20260121", "drawn", 2)]


def test_s10_a_wave_that_was_cancelled_says_when_and_one_never_prepared_is_not_there():
    campaign, pat = campaign_with(), person("pat", superuser=True)
    wave = prepared(campaign)
    cancel(wave, by=pat, reason="another day")
    Wave.objects.create(
        campaign=campaign,
        date_key="20260129",
        name=f"{campaign.campaign_id}_20260129",
        notify_date=NOW + timedelta(days=9),
    )
    page = shown(campaign, revealed=True)
    assert [(each["date_key"], each["state"]) for each in page] == [("20260121", "cancelled")]
    assert page[0]["cancelled_at"] >= page[0]["prepared_at"]
