"""Files, fan lists and registrants in the admin. [S-15]"""

from __future__ import annotations

import pytest

from campaigns.models import FanList
from tests.support.campaigns import make_campaign
from tests.support.forms import form_of
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db


def test_s15_whose_a_fan_list_is_never_changes():
    spring, autumn = make_campaign(), make_campaign("autumn")
    fan_list = FanList.objects.create(campaign=spring, fanlist_id="top")
    client = client_of(member_of("administrator"))
    values = {"fanlist_id": "club", "campaign": autumn.pk}
    page = f"/admin/campaigns/fanlist/{fan_list.pk}/change/"
    assert client.post(page, form_of(client, page) | values).status_code == 302
    fan_list.refresh_from_db()
    assert (fan_list.fanlist_id, fan_list.campaign) == ("top", spring)
