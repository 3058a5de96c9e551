"""Files, fan lists and registrants in the admin. [S-15]"""

from __future__ import annotations

import pytest

from campaigns.models import FanList
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db


def test_s15_whose_a_fan_list_is_never_changes():
    spring, autumn = make_campaign(), make_campaign("autumn")
    fan_list = FanList.objects.create(campaign=spring, fanlist_id="top")
    client = client_of(member_of("administrator"))
    values = {"fanlist_id": "club", "campaign": autumn.pk}
    client.post(f"/admin/campaigns/fanlist/{fan_list.pk}/change/", values)
    fan_list.refresh_from_db()
    assert (fan_list.fanlist_id, fan_list.campaign) == ("top", spring)
