"""Personal data is shown for one session, and only with the right. [O-7]"""

from __future__ import annotations

import pytest

from tests.operations.adminkit.list_cases import REGISTRANTS, VIEWS
from tests.support.people import client_of, staff
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def test_a_session_that_once_saw_personal_data_loses_it_with_the_right():
    campaign_with(fans=1)
    user = staff("looker", *VIEWS, "campaigns.view_personal_data")
    client = client_of(user)
    client.post("/admin/personal-data/", {"reason": "a fan called", "next": REGISTRANTS})
    user.user_permissions.filter(codename="view_personal_data").delete()
    assert "fan0@example.com" not in client.get(REGISTRANTS).content.decode()
