"""The markets in a campaign's form: times in its zone, order, event ids, deleting. [C-3, S-16]"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.models import Campaign, Market, RuleChange
from tests.support.campaigns import SELECTION_TIME, make_campaign
from tests.support.forms import form_of
from tests.support.people import client_of, member_of
from waves.models import Template

pytestmark = pytest.mark.django_db
LA = "America/Los_Angeles"


@pytest.fixture
def client():
    return client_of(member_of("administrator"))


def address(campaign: Campaign) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/change/"


def new_market(number: int, market_id: str, **values: Any) -> dict[str, Any]:
    """A further row of the form, as it is typed."""
    typed = {
        "market_id": market_id,
        "name": market_id.title(),
        "capacity": "5",
        "selection_time": "2026-01-18T07:00",
        "event_ids": "",
        "time_zone": "",
        "position": "",
    } | values
    total = {"markets-TOTAL_FORMS": str(number + 1)}
    return total | {f"markets-{number}-{name}": value for name, value in typed.items()}


def places(campaign: Campaign) -> list[tuple[str, int]]:
    return list(campaign.markets.order_by("position").values_list("market_id", "position"))


def test_a_campaign_is_added_with_its_markets_in_the_order_of_their_rows(client):
    """Every time is the clock of the zone in the same form. [C-1]"""
    values = {"campaign_id": "tour", "name": "Tour", "time_zone": "America/New_York"}
    values |= {"home_countries": "us ca", "min_score": "0.22", "max_fans_per_contact": "0"}
    values |= {"scoring_type": "linear", "code_source": "own", "code_length": "10"}
    values |= {"default_language": "en", "soft_start": "0"}
    values |= {"notify_channels": "both", "registration_opens": "2026-01-01T00:00"}
    values |= {
        "markets-INITIAL_FORMS": "0",
        **new_market(0, "west", event_ids="E1, E2\r\nE3", time_zone=LA),
    }
    page = client.get("/admin/campaigns/campaign/add/").content.decode()
    assert page.count("time zone, which you enter above") == 4
    answer = client.post("/admin/campaigns/campaign/add/", values | new_market(1, "east"))
    assert answer.status_code == 302, answer.content.decode()
    campaign = Campaign.objects.get()
    assert campaign.registration_opens == datetime(2026, 1, 1, 5, tzinfo=UTC)
    assert campaign.home_countries == ["US", "CA"]
    assert places(campaign) == [("west", 0), ("east", 1)]
    west = campaign.markets.get(market_id="west")
    assert west.selection_time == datetime(2026, 1, 18, 12, tzinfo=UTC)
    assert west.event_ids == ["E1", "E2", "E3"]
    assert (west.time_zone, campaign.markets.get(market_id="east").time_zone) == (LA, "")


def test_times_are_shown_in_the_campaigns_zone_which_is_named_beside_each(client):
    """[C-1]"""
    campaign = make_campaign(opened=False, time_zone="America/New_York")
    html = client.get(address(campaign)).content.decode()
    assert html.count('value="2026-01-18T07:00"') == 2
    # two ends of the window, the public source, two markets and the row for a new one
    assert html.count("New York time (America/New_York)") == 6
    assert "(UTC)" not in html


def test_c3_a_form_that_claims_more_markets_than_it_can_have_is_refused_without_reading_them(
    client,
):
    campaign = make_campaign(opened=False)
    data = form_of(client, address(campaign)) | {"markets-TOTAL_FORMS": "987655"}
    answer = client.post(address(campaign), data)
    [formset] = answer.context["inline_admin_formsets"]
    assert len(formset.formset.forms) == 102
    assert b"too many new markets in the form. Save at most 102 markets." in answer.content
    assert campaign.markets.count() == 2


def test_another_zone_in_the_same_form_keeps_the_clocks_and_moves_the_instants(client):
    """[C-1]"""
    campaign = make_campaign(opened=False, time_zone="America/New_York")
    data = form_of(client, address(campaign)) | {"time_zone": "America/Los_Angeles"}
    assert client.post(address(campaign), data).status_code == 302
    moved = SELECTION_TIME.replace(hour=15)
    assert set(Market.objects.values_list("selection_time", flat=True)) == {moved}


def test_in_an_open_campaign_another_zone_moves_selection_times_only_with_a_reason(client):
    """[S-16]"""
    campaign = make_campaign(time_zone="America/New_York")
    data = form_of(client, address(campaign)) | {"time_zone": "America/Los_Angeles"}
    assert "Enter a reason" in client.post(address(campaign), data).content.decode()
    client.post(address(campaign), data | {"reason": "the venue is in LA"})
    assert set(RuleChange.objects.values_list("option", "judges")) == {
        ("time zone", False),
        ("selection time", True),
    }


def test_a_time_that_clocks_skip_is_explained_beside_its_box_and_nothing_is_saved(client):
    campaign = make_campaign(opened=False, time_zone="America/New_York")
    data = form_of(client, address(campaign)) | {"markets-0-selection_time": "2026-03-08T02:30"}
    html = client.post(address(campaign), data).content.decode()
    assert "The clocks in New York never show 8 Mar 2026, 02:30" in html
    assert set(Market.objects.values_list("selection_time", flat=True)) == {SELECTION_TIME}


def test_gaps_and_doubles_are_renumbered_and_a_new_market_is_next(client):
    """[C-3]"""
    campaign = make_campaign(opened=False, markets=("a", "b", "c"))
    for market_id, position in (("a", 4), ("b", 4), ("c", 9)):
        campaign.markets.filter(market_id=market_id).update(position=position)
    data = form_of(client, address(campaign)) | new_market(3, "d")
    assert client.post(address(campaign), data).status_code == 302
    assert places(campaign) == [("a", 0), ("b", 1), ("c", 2), ("d", 3)]


def test_a_market_is_moved_by_typing_its_place_and_only_that_is_listed(client):
    """[S-16]"""
    campaign = make_campaign(markets=("a", "b", "c"))
    data = form_of(client, address(campaign)) | {"reason": "billing", "markets-2-position": "1"}
    assert client.post(address(campaign), data).status_code == 302
    assert places(campaign) == [("c", 0), ("a", 1), ("b", 2)]
    assert set(RuleChange.objects.values_list("market_id", "option")) == {
        (market_id, "position") for market_id in "abc"
    }


@pytest.mark.parametrize("opened", [True, False])
def test_deleting_a_market_in_use_answers_one_sentence_and_it_stays(client, opened):
    campaign = make_campaign(opened=opened)
    west = campaign.markets.get(market_id="west")
    Template.objects.create(campaign=campaign, market=west, channel="sms", body="{code}")
    data = form_of(client, address(campaign)) | {"markets-0-DELETE": "on", "name": "Autumn"}
    answer = client.post(address(campaign), data)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert html.count("Market west cannot be deleted because it is used by 1 template.") == 1
    assert "protected" not in html
    assert campaign.markets.count() == 2


def test_a_second_market_with_the_same_id_is_refused_with_what_to_do(client):
    campaign = make_campaign(opened=False)
    data = form_of(client, address(campaign)) | new_market(2, "west")
    html = client.post(address(campaign), data).content.decode()
    assert "Give each its own." in html
    assert campaign.markets.count() == 2


def test_a_market_that_the_form_does_not_know_is_not_added_twice(client):
    """Another person added it, or the form came back changed: one sentence, not a fault."""
    campaign = make_campaign(opened=False)
    data = form_of(client, address(campaign)) | {"markets-INITIAL_FORMS": "-1"}
    answer = client.post(address(campaign), data)
    assert "Another market has this id. Enter a different one." in answer.content.decode()
