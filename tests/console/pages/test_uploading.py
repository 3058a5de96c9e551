"""Pages with a file's form send it to the bucket themselves where the bucket can take it. [S-1]"""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.models import Campaign
from tests.support import cloud
from tests.support.campaigns import make_campaign
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def aws(settings, monkeypatch):
    with cloud.running(settings, monkeypatch) as found:
        yield found


@pytest.fixture
def person():
    return member_of("operator")


@pytest.fixture
def client(person) -> Client:
    return client_of(person)


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


def test_s1_only_the_page_of_score_files_may_speak_to_the_bucket(aws, client, campaign):
    page = client.get(f"/admin/campaign/{campaign.campaign_id}/scores/")
    assert f"connect-src 'self' {aws.address};" in page.headers["Content-Security-Policy"] + ";"
    assert "fairwave/upload.js" in page.content.decode()
    for other in ("registrations/", ""):
        policy = client.get(f"/admin/campaign/{campaign.campaign_id}/{other}").headers[
            "Content-Security-Policy"
        ]
        assert aws.address not in policy


def test_s1_where_the_bucket_is_a_folder_files_come_through_the_form(client, campaign):
    page = client.get(f"/admin/campaign/{campaign.campaign_id}/scores/")
    assert "connect-src" not in page.headers["Content-Security-Policy"]
    assert "upload.js" not in page.content.decode()
    asked = client.post(f"/admin/campaign/{campaign.campaign_id}/scores/permit/", {"name": "x"})
    assert (
        asked.status_code,
        "does not accept uploads from browsers" in asked.json()["error"],
    ) == (
        409,
        True,
    )
