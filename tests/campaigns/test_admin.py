"""Campaigns and lists in the admin: what is masked, and what cannot be edited. [O-7, S-8]"""

from __future__ import annotations

import pytest

from campaigns.models import Campaign, ListEntry
from tests.support.people import client_of, member_of, staff
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


LISTS = "/admin/campaigns/listentry/"


@pytest.fixture
def client():
    return client_of(member_of("administrator"))


def test_a_persons_address_on_a_list_is_masked_and_a_domain_is_not():
    ListEntry.objects.create(kind="blacklist", pattern="scalper@example.com")
    domain = ListEntry.objects.create(kind="blacklist", pattern="@bad.example")
    client = client_of(staff("looker", "campaigns.view_listentry", "campaigns.change_listentry"))
    html = client.get(LISTS).content.decode()
    assert "s•••@e•••.com" in html
    assert "scalper@example.com" not in html
    assert "@bad.example" in html
    page = client.get(f"{LISTS}{domain.pk - 1}/change/").content.decode()
    assert "scalper@example.com" not in page


def test_a_masked_address_survives_an_edit_of_its_note(client):
    entry = ListEntry.objects.create(kind="blacklist", pattern="scalper@example.com")
    client.post(
        f"{LISTS}{entry.pk}/change/",
        {"kind": "blacklist", "note": "asked by legal", "campaign": ""},
    )
    entry.refresh_from_db()
    assert (entry.pattern, entry.note) == ("scalper@example.com", "asked by legal")


def test_what_names_an_open_campaign_or_its_draw_cannot_be_edited(client):
    campaign = campaign_with(fans=1)
    html = client.get(f"/admin/campaigns/campaign/{campaign.pk}/change/").content.decode()
    assert 'name="campaign_id"' not in html
    assert 'name="entropy_source"' not in html
    assert 'name="name"' in html
    assert (
        client.post(f"/admin/campaigns/campaign/{campaign.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )
    assert Campaign.objects.filter(pk=campaign.pk).exists()
