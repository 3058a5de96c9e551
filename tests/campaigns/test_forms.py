"""What people type about campaigns and lists is checked before it can do harm later. [S-4, C-1]"""

from __future__ import annotations

import pytest

from campaigns.forms import CampaignForm
from campaigns.models import ListEntry
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
    [("time_zone", "Mars/Olympus", "not a time zone"), ("home_countries", "U1", "two-letter")],
)
def test_a_campaign_that_cannot_work_is_refused_beside_its_field(field, value, complaint):
    form = CampaignForm(
        {"campaign_id": "x", "name": "X", "time_zone": "UTC", "home_countries": "US", field: value}
    )
    assert not form.is_valid()
    assert complaint in form.errors[field][0]
