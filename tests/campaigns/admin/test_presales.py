"""Campaigns and their markets in the admin: what cannot be edited. [C-1, C-2, S-16]"""

from __future__ import annotations

import pytest
from django.contrib.messages import WARNING, get_messages

from campaigns.models import Campaign
from campaigns.opening import close_campaign
from tests.support.forms import form_of
from tests.support.people import client_of, member_of
from tests.support.waves import NOW, add_scores, campaign_with, person, request
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return client_of(member_of("administrator"))


def test_what_names_an_open_campaign_or_its_draw_cannot_be_edited(client):
    campaign = campaign_with(fans=1)
    html = client.get(f"/admin/campaigns/campaign/{campaign.pk}/change/").content.decode()
    assert 'name="campaign_id"' not in html
    assert 'name="entropy_source"' not in html
    assert "Public source" in html
    assert 'name="name"' in html
    assert (
        client.post(f"/admin/campaigns/campaign/{campaign.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )
    assert Campaign.objects.filter(pk=campaign.pk).exists()


@pytest.fixture
def campaign():
    return campaign_with(10, {"west": 3, "east": 3})


def address(campaign: Campaign) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/change/"


def markets(campaign: Campaign) -> dict[str, int]:
    return dict(campaign.markets.values_list("market_id", "capacity"))


def test_the_campaigns_form_writes_what_was_changed_and_nothing_that_was_read(client, campaign):
    """S-16"""
    data = form_of(client, address(campaign))
    other = add_scores(campaign, ["fan-000001"], [0.9])
    assert client.post(address(campaign), data | {"name": "Autumn Tour"}).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.name, campaign.active_score_file) == ("Autumn Tour", other)


def test_what_was_saved_is_said_on_the_page_that_each_button_promises(client, campaign):
    pages = {"_save": "/admin/campaign/{}/", "_addanother": "/admin/campaigns/campaign/add/"}
    pages["_continue"] = "/admin/campaigns/campaign/{pk}/change/"
    for button, leads_to in pages.items():
        new = form_of(client, pages["_addanother"]) | {"home_countries": "US", "name": "Tour"}
        new["campaign_id"] = f"by-{button.strip('_')}"
        answer = client.post(pages["_addanother"], new | {button: "1"}, follow=True)
        made = Campaign.objects.get(campaign_id=new["campaign_id"])
        assert answer.request["PATH_INFO"] == leads_to.format(made.campaign_id, pk=made.pk)
        assert "was added successfully" in answer.content.decode()
        data = form_of(client, address(campaign)) | {"name": f"Tour {button}", button: "1"}
        answer = client.post(address(campaign), data, follow=True)
        assert answer.request["PATH_INFO"] == leads_to.format(campaign.campaign_id, pk=campaign.pk)
        assert "was changed successfully" in answer.content.decode()


def test_who_edits_a_campaign_while_it_closes_is_told_and_it_stays_closed(client, campaign):
    """C-2"""
    data = form_of(client, address(campaign))
    close_campaign(campaign.pk, by=None)
    html = client.post(address(campaign), data | {"name": "Autumn Tour"}, follow=True).content
    assert "is closed and can no longer be changed" in html.decode()
    campaign.refresh_from_db()
    assert (campaign.status, campaign.name) == ("closed", "Spring Tour")
    assert 'name="name"' not in client.get(address(campaign)).content.decode()


def test_a_market_that_somebody_else_changed_is_told_before_the_campaign_is_saved(client, campaign):
    """S-16"""
    data = form_of(client, address(campaign))
    campaign.markets.filter(market_id="east").update(capacity=9)
    html = client.post(address(campaign), data | {"name": "Autumn Tour"}).content.decode()
    assert "capacity of market east (now “9”)" in html
    campaign.refresh_from_db()
    assert campaign.name == "Spring Tour"


def test_rules_of_an_open_campaign_are_changed_with_a_reason_that_everybody_can_read(
    client, campaign
):
    """S-16"""
    data = form_of(client, address(campaign)) | {"min_score": "0.5", "markets-0-capacity": "4"}
    html = client.post(address(campaign), data).content.decode()
    assert "Enter a reason for changing its rules" in html
    assert markets(campaign) == {"west": 3, "east": 3}
    assert client.post(address(campaign), data | {"reason": "a larger hall"}).status_code == 302
    assert markets(campaign) == {"west": 4, "east": 3}
    for page in (f"/draws/{campaign.campaign_id}", f"/admin/campaign/{campaign.campaign_id}"):
        html = client.get(page, follow=True).content.decode()
        assert "a larger hall" in html
        assert "Minimum score" in html
        assert "Capacity of market west" in html


def test_a_capacity_below_the_seats_given_is_refused_beside_its_field(client, campaign):
    """W-5"""
    prepare(request(campaign), by=person("ann"), now=NOW)
    data = form_of(client, address(campaign)) | {"reason": "a smaller hall"}
    html = client.post(address(campaign), data | {"markets-1-capacity": "2"}).content.decode()
    assert "3 seats are given already" in html
    assert markets(campaign) == {"west": 3, "east": 3}


def test_an_open_campaigns_markets_keep_their_ids_and_stay(client, campaign):
    """S-16"""
    data = form_of(client, address(campaign)) | {"reason": "x"}
    client.post(
        address(campaign), data | {"markets-0-market_id": "north", "markets-1-DELETE": "on"}
    )
    assert markets(campaign) == {"west": 3, "east": 3}


def test_c1_home_countries_whose_calling_code_is_shared_are_warned_of_when_they_are_set(client):
    campaign = Campaign.objects.create(campaign_id="tour", name="Spring Tour")

    def warnings(**changes: str) -> list[str]:
        client.post(address(campaign), form_of(client, address(campaign)) | changes)
        shown = client.get("/admin/").wsgi_request
        return [str(each) for each in get_messages(shown) if each.level == WARNING]

    (warning,) = warnings(home_countries="GB")
    assert "GG, IM, JE" in warning
    assert warnings(name="Autumn Tour") == warnings(home_countries="GB,GG,IM,JE") == []
    campaign.refresh_from_db()
    assert (campaign.name, campaign.home_countries) == ("Autumn Tour", ["GB", "GG", "IM", "JE"])
