"""What belongs to a closed campaign is only read. [C-2]"""

from __future__ import annotations

import pytest

from campaigns.models import FanList, ListEntry
from campaigns.opening import close_campaign
from tests.support.people import client_of, member_of
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db
LISTS = "/admin/campaigns/listentry/"


@pytest.fixture
def client():
    return client_of(member_of("administrator"))


@pytest.fixture
def campaign():
    return campaign_with(10, {"west": 3, "east": 3})


@pytest.mark.parametrize("of", ["listentry", "fanlist"])
def test_what_belongs_to_a_closed_campaign_is_only_read(client, campaign, of):
    """C-2"""
    row = {
        "listentry": lambda: ListEntry.objects.create(
            campaign=campaign, kind="blacklist", pattern="@bad.example"
        ),
        "fanlist": lambda: FanList.objects.create(campaign=campaign, fanlist_id="top"),
    }[of]()
    close_campaign(campaign.pk, by=None)
    page = f"/admin/campaigns/{of}/{row.pk}"
    assert 'name="_save"' not in client.get(f"{page}/change/").content.decode()
    assert client.post(f"{page}/change/", {"note": "x"}).status_code == 403
    assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403


def test_nothing_is_added_to_the_lists_of_a_closed_campaign(client, campaign):
    """C-2"""
    close_campaign(campaign.pk, by=None)
    values = {"kind": "blacklist", "pattern": "@bad.example", "campaign": campaign.pk}
    html = client.post(f"{LISTS}add/", values).content.decode()
    assert "is closed and can no longer be changed" in html
    assert not ListEntry.objects.exists()
