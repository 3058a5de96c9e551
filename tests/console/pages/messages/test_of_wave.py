"""The page of a wave's messages. [N-3, N-7, O-5, O-7]"""

from __future__ import annotations

import pytest

from campaigns.models import Registrant
from console.models import PersonalDataAccess
from tests.console.page_cases import said, sending_wave
from tests.support.people import client_of, member_of
from tests.support.sending import triggered_wave
from waves.models import Code, Send, Wave
from waves.sending import new_messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave() -> Wave:
    wave = sending_wave()
    new_messages.make_sends(wave)
    first = Send.objects.filter(wave=wave, channel="sms").earliest("pk")
    Send.objects.filter(pk=first.pk).update(state="failed", reason="http_400", provider_id="p-77")
    return wave


def test_n7_each_number_of_the_waves_page_opens_its_list(wave, client):
    page = client.get(f"/admin/wave/{wave.name}/").content.decode()
    address = f"/admin/wave/{wave.name}/messages/?channel=sms&amp;state=failed"
    assert f'<a id="sms-failed" href="{address}">1</a>' in page
    assert f'href="{address}&amp;reason=http_400">1</a>' in page
    assert "Rejected by the provider (HTTP 400)" in page
    found = client.get(address.replace("&amp;", "&"))
    (row,) = found.context["messages_page"].rows
    assert (row["send"].state, row["send"].provider_id) == ("failed", "p-77")
    assert "p-77" in found.content.decode()


def test_o7_a_fan_is_found_by_contact_or_code_by_post_and_the_search_is_logged(wave):
    viewer = client_of(member_of("viewer"))
    member = wave.members.order_by("pk").first()
    registrant = Registrant.objects.get(
        campaign=wave.campaign, global_user_id=member.global_user_id
    )
    page = f"/admin/wave/{wave.name}/messages/"
    for asked in ({"fan": registrant.email}, {"fan": member.global_user_id}, {"code": member.code}):
        answer = viewer.post(page, {**asked, "reason": "the fan called"})
        found = answer.context["found"]
        assert {row["member"].pk for row in found} == {member.pk}
        assert registrant.email not in answer.content.decode().split("Find a fan’s messages")[0]
    logged = PersonalDataAccess.objects.values_list("subject", "reason")
    assert set(logged) == {(f"messages of {wave.name}", "the fan called")}
    nobody = viewer.post(page, {"fan": "nobody@example.com", "reason": "the fan called"})
    assert "No fan with this value has a message in this wave" in nobody.content.decode()


def test_o7_a_code_of_another_campaign_finds_nobody_here(wave):
    other, member = triggered_wave(1), wave.members.first()
    Code.objects.create(
        campaign=other.campaign,
        wave=other,
        market=other.campaign.markets.get(),
        code="OTHER23456",
        state="assigned",
        global_user_id=member.global_user_id,
    )
    answer = client_of(member_of("viewer")).post(
        f"/admin/wave/{wave.name}/messages/", {"code": "OTHER23456", "reason": "the fan called"}
    )
    assert answer.context["found"] == []


def test_what_the_address_asks_for_and_the_wave_does_not_have_is_named(wave, client):
    answer = client.get(
        f"/admin/wave/{wave.name}/messages/", {"market": "mars", "after": "²", "before": "x"}
    )
    assert said(answer) == ["Ignored in the address of this page: Market."]
    assert answer.context["messages_page"].rows
