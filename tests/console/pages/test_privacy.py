"""One fan is looked for, and personal data is shown for a reason. [O-7]"""

from __future__ import annotations

import pytest
from django.utils.html import escape

from campaigns.receipts import receipts_of
from console.models import PersonalDataAccess
from tests.console.page_cases import prepared
from tests.operations.adminkit.list_cases import REGISTRANTS, VIEWS
from tests.support.people import client_of, staff
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def test_personal_data_is_masked_until_it_is_asked_for_with_a_reason():
    campaign_with(fans=3)
    client = client_of(staff("looker", *VIEWS, "campaigns.view_personal_data"))
    hidden = client.get(REGISTRANTS).content.decode()
    assert "fan1@example.com" not in hidden
    assert "+12065550001" not in hidden
    assert "f•••@e•••.com" in hidden

    client.post("/admin/personal-data/", {"reason": "", "next": REGISTRANTS})
    assert "fan1@example.com" not in client.get(REGISTRANTS).content.decode()

    client.post("/admin/personal-data/", {"reason": "a fan called", "next": REGISTRANTS})
    shown = client.get(REGISTRANTS).content.decode()
    assert "fan1@example.com" in shown
    assert "+12065550001" in shown

    client.post("/admin/personal-data/", {"hide": "1", "next": REGISTRANTS})
    assert "fan1@example.com" not in client.get(REGISTRANTS).content.decode()


def test_o5_showing_personal_data_comes_back_to_the_same_query_of_our_own_site():
    campaign = campaign_with(fans=3)
    client = client_of(staff("looker", *VIEWS, "campaigns.view_personal_data"))
    place = f"{REGISTRANTS}?campaign__id__exact={campaign.pk}&after=1"
    html = client.get(place).content.decode()
    assert f'name="next" value="{place.replace("&", "&amp;")}"' in html
    answer = client.post("/admin/personal-data/", {"reason": "a fan called", "next": place})
    assert answer.headers["Location"] == place
    assert PersonalDataAccess.objects.get().subject == REGISTRANTS
    assert client.get(place).content.decode().count(f'value="{place.replace("&", "&amp;")}"') == 1
    for away in (
        "https://elsewhere.example/",
        "//elsewhere.example",
        "javascript:alert(1)",
        "=7",
        "",
    ):
        hidden = client.post("/admin/personal-data/", {"hide": "1", "next": away})
        assert hidden.headers["Location"] == "/admin/"
    assert client.get(f"/admin/personal-data/?next={place}").context["next"] == "/admin/"


def test_one_fan_is_found_by_post_masked_and_logged(client):
    wave = prepared()
    member = wave.members.order_by("place").first()
    by_fan = {
        "campaign": wave.campaign_id,
        "fan": member.global_user_id,
        "reason": "the fan called",
    }
    html = client.post("/admin/find/", by_fan).content.decode()
    assert wave.name in html
    assert member.email not in html
    assert member.code not in html
    by_code = client.post("/admin/find/", {"code": member.code.lower(), "reason": "the fan called"})
    assert by_code.context["fans"][0]["facts"].fan == member.global_user_id
    assert PersonalDataAccess.objects.filter(what="found").count() == 2
    nothing = client.post("/admin/find/", {"reason": "nothing is known"}).content.decode()
    assert "Enter what names the fan" in nothing


def test_a_search_can_show_personal_data_and_stays(client):
    wave = prepared()
    member = wave.members.order_by("place").first()
    asked = {"fan": member.email.upper(), "reason": "the fan called"}
    receipts = receipts_of(wave.campaign)
    assert receipts is not None
    receipt = receipts.of(member.global_user_id)
    secrets = (receipt.fan_ref, receipt.fan_nonce, escape(receipt.link))
    hidden = client.post("/admin/find/", asked).content.decode()
    assert not any(secret in hidden for secret in secrets)
    shown = client.post("/admin/find/", asked | {"show": "1"}).content.decode()
    assert member.email in shown
    assert all(secret in shown for secret in secrets)
    assert PersonalDataAccess.objects.filter(what="shown", reason="the fan called").count() == 1
    assert member.email not in client.post("/admin/find/", asked | {"hide": "1"}).content.decode()


def test_a_code_that_does_not_exist_is_said_so(client):
    answer = client.post("/admin/find/", {"code": "NO0CODE0", "reason": "the fan called"})
    assert "No such code" in answer.content.decode()
