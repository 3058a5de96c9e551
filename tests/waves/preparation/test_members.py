"""The selected become members, with contact, market and code."""

from __future__ import annotations

import pytest

from campaigns.models import Registrant
from tests.support.waves import NOW, campaign_with, person, request
from waves.models import Member, Wave
from waves.preparation.members import selected_members, write_members
from waves.preparation.prepare import prepare
from waves.preparation.submission import submit
from waves.selection.plan import plan_of
from waves.selection.planned_selection import select_members

pytestmark = pytest.mark.django_db


def test_w5_members_are_the_selected_in_the_order_of_the_draw_with_contact_and_market():
    campaign = campaign_with(8, {"west": 3, "east": 2})
    planned = select_members(plan_of(request(campaign), now=NOW))
    members = selected_members(planned)
    assert members["global_user_id"].to_list() == (
        planned.selection.members["global_user_id"].to_list()
    )
    keys = {market.market_id: market.pk for market in campaign.markets.all()}
    assert all(row["market"] == keys[row["market_id"]] for row in members.to_dicts())
    assert members["email"].to_list() == [
        f"fan{int(fan[4:])}@example.com" for fan in members["global_user_id"].to_list()
    ]
    assert members["held_code"].null_count() == members.height == 5


def test_k6_members_carry_wave_campaign_and_code():
    campaign = campaign_with(4, {"west": 2})
    submit(request(campaign), by=person("ann"), now=NOW)
    wave = Wave.objects.get()
    chosen = selected_members(select_members(plan_of(request(campaign), now=NOW)))
    write_members(wave, chosen.with_columns(code=chosen["global_user_id"].str.to_uppercase()))
    rows = Member.objects.filter(wave=wave, campaign=campaign, wave_live=True)
    assert {row.code for row in rows} == {row.global_user_id.upper() for row in rows}
    assert rows.count() == 2


def test_n1_members_carry_the_language_that_they_registered_with():
    campaign = campaign_with(3, {"west": 3})
    campaign_with(3)  # fans of the same ids
    Registrant.objects.update(language="de")
    Registrant.objects.filter(campaign=campaign).update(language="")
    Registrant.objects.filter(campaign=campaign, email="fan1@example.com").update(language="fr")
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    members = Member.objects.filter(wave=wave).order_by("email")
    assert [member.language for member in members] == ["", "fr", ""]
    kept = {text["channel"]: text["languages"] for text in wave.content["templates"]}
    assert kept == {"sms": ["", "fr"], "email": ["", "fr"]}
