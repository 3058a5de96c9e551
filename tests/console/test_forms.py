"""What people type into the site's forms is checked before it can do harm later. [N-1, S-4, C-1]"""

from __future__ import annotations

import pytest

from campaigns.forms import CampaignForm
from campaigns.models import Campaign, ListEntry
from tests.support.people import client_of, member_of, staff
from tests.support.waves import campaign_with
from waves.models import Template

pytestmark = pytest.mark.django_db
LISTS = "/admin/campaigns/listentry/"


@pytest.fixture
def client():
    return client_of(member_of("administrator"))


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("blacklist", "bad.example"),
        ("disposable", "*.throw.example"),
        ("whitelist", "bad.example"),
        ("blacklist", "@"),
    ],
)
def test_a_list_line_that_would_fail_every_upload_is_refused(client, kind, pattern):
    client.post(f"{LISTS}add/", {"kind": kind, "pattern": pattern, "note": "", "campaign": ""})
    assert not ListEntry.objects.exists()


def test_a_good_list_line_is_kept_in_lower_case(client):
    client.post(
        f"{LISTS}add/", {"kind": "blacklist", "pattern": "@Bad.Example", "note": "", "campaign": ""}
    )
    assert ListEntry.objects.get().pattern == "@bad.example"


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


@pytest.mark.parametrize("body", ["Hello {name}", "Hello {code", "{code!r}"])
def test_a_template_with_an_unknown_placeholder_is_refused_when_saved(client, body):
    campaign = campaign_with(fans=1)
    values = {
        "campaign": campaign.pk,
        "market": "",
        "channel": "sms",
        "language": "en",
        "subject": "",
        "html": "",
    }
    client.post("/admin/waves/template/add/", values | {"body": body})
    assert not Template.objects.exists()
    client.post("/admin/waves/template/add/", values | {"body": "{campaign}: {code}"})
    assert Template.objects.get().body == "{campaign}: {code}"


def test_a_template_cannot_name_another_campaigns_market(client):
    one, other = campaign_with(fans=1), campaign_with(fans=1)
    values = {
        "campaign": one.pk,
        "market": other.markets.first().pk,
        "channel": "sms",
        "language": "en",
        "body": "hi",
    }
    html = client.post("/admin/waves/template/add/", values).content.decode()
    assert "belongs to another campaign" in html
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [("time_zone", "Mars/Olympus", "no time zone"), ("home_countries", "U1", "two-letter")],
)
def test_a_campaign_that_cannot_work_is_refused_beside_its_field(field, value, complaint):
    form = CampaignForm(
        {"campaign_id": "x", "name": "X", "time_zone": "UTC", "home_countries": "US", field: value}
    )
    assert not form.is_valid()
    assert complaint in form.errors[field][0]


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
