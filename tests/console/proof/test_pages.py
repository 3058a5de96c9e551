"""The public page of a draw."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(member_of("operator"))


def test_the_public_page_of_a_draw_may_run_no_script(client):
    from tests.support.waves import campaign_with

    campaign = campaign_with(1)
    policy = Client().get(f"/draws/{campaign.campaign_id}").headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
