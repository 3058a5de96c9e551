"""The progress of each campaign, and what to do next. [O-5]"""

from __future__ import annotations

import pytest

from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def test_the_first_page_shows_where_each_campaign_stands_and_what_is_next(client):
    campaign_with(fans=3)
    html = client.get("/admin/").content.decode()
    assert "Spring Tour" in html
    assert "Upload the registrations." in html
