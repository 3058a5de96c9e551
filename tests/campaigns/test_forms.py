"""What people type about campaigns and lists is checked before it can do harm later. [S-4, C-1]"""

from __future__ import annotations

import pytest

from campaigns.forms import CampaignForm
from campaigns.markets.forms import MarketForm
from campaigns.models import ListEntry
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of

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


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("time_zone", "Mars/Olympus", "Use a name such as America/New_York"),
        ("time_zone", "New York", "Use a name such as America/New_York"),
        ("time_zone", "london", "Use a name such as Europe/London"),
        ("home_countries", "U1", "Use two-letter codes, such as US, CA."),
        ("home_countries", "USA", "Use two-letter codes, such as US, CA."),
        ("home_countries", ", ,", "Enter a value."),
        ("home_countries", "US, XX", "XX is not a country with phone numbers"),
        ("min_score", "high", "Enter a number, such as 0.25."),
        ("min_score", "1.5", "Enter 1 or less."),
        ("code_length", "ten", "Enter a whole number, such as 250."),
        ("code_source", "theirs", "“theirs” is not in the list. Choose one"),
        ("campaign_id", "a b", "Use 1 to 40 letters, digits and hyphens."),
        ("entropy_source", "drand round 12a", "is not a drand round"),
        ("registration_opens", "soon", "Enter a date and a time, such as 2026-01-18 12:00"),
    ],
)
def test_a_campaign_that_cannot_work_is_refused_beside_its_field(field, value, complaint):
    form = CampaignForm(
        {"campaign_id": "x", "name": "X", "time_zone": "UTC", "home_countries": "US", field: value}
    )
    assert not form.is_valid()
    assert complaint in form.errors[field][0]


def test_c2_a_date_that_nobody_can_mean_is_refused_beside_its_field():
    campaign = make_campaign(opened=False)
    form = CampaignForm({"registration_closes": "9999-12-31 00:00"}, instance=campaign)
    assert "The year 9999 is not allowed" in form.errors["registration_closes"][0]
    market = MarketForm({"selection_time": "0001-01-01T00:00"}, instance=campaign.markets.first())
    assert "The year 0001 is not allowed" in market.errors["selection_time"][0]
