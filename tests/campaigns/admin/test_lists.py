"""Entries of lists in the admin: what is masked, and what a campaign's history says. [O-7, S-16]"""

from __future__ import annotations

import pytest

from campaigns.models import ListEntry
from operations.models import StatusChange
from tests.support.campaigns import make_campaign
from tests.support.forms import form_of
from tests.support.people import client_of, member_of, staff

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
    address = f"{LISTS}{entry.pk}/change/"
    client.post(address, form_of(client, address) | {"note": "asked by legal"})
    entry.refresh_from_db()
    assert (entry.pattern, entry.note) == ("scalper@example.com", "asked by legal")


def test_s16_entries_that_people_add_move_and_delete_are_in_the_history_of_an_open_campaign(
    client,
):
    spring, autumn = make_campaign(), make_campaign("autumn")
    entry = {"campaign": spring.pk, "kind": "blacklist", "pattern": "@bad.example", "note": ""}
    client.post(f"{LISTS}add/", entry)
    row = ListEntry.objects.get()
    for campaign in (spring, autumn):
        page = f"{LISTS}{row.pk}/change/"
        client.post(page, form_of(client, page) | {"campaign": campaign.pk, "note": "x"})
    client.post(f"{LISTS}{row.pk}/delete/", {"post": "yes"})
    told = StatusChange.objects.filter(from_state="blacklist").order_by("id")
    assert list(told.values_list("subject_id", "to_state", "by__is_staff")) == [
        (spring.campaign_id, "added", True),
        (spring.campaign_id, "changed", True),
        (spring.campaign_id, "deleted", True),
        (autumn.campaign_id, "added", True),
        (autumn.campaign_id, "deleted", True),
    ]


def test_s4_a_masked_address_moves_to_no_list_that_has_it_already(client):
    autumn = make_campaign("autumn")
    everywhere = ListEntry.objects.create(kind="blacklist", pattern="scalper@example.com")
    ListEntry.objects.create(kind="blacklist", pattern="scalper@example.com", campaign=autumn)
    address = f"{LISTS}{everywhere.pk}/change/"
    moved = form_of(client, address) | {"campaign": autumn.pk}
    assert "on that list already" in client.post(address, moved).content.decode()
    other_kind = client.post(address, moved | {"kind": "whitelist"})
    assert other_kind.status_code == 302
    everywhere.refresh_from_db()
    assert (everywhere.campaign, everywhere.kind) == (autumn, "whitelist")
