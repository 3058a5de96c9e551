"""The public page of a draw."""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.opening import close_campaign
from datalake.storage.buckets import DiskBucket
from tests.support.outages import out_of_reach
from tests.support.people import client_of, member_of
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(member_of("operator"))


def test_the_public_page_of_a_draw_may_run_no_script(client):
    campaign = campaign_with(1)
    policy = Client().get(f"/draws/{campaign.campaign_id}").headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy


def test_s10_the_page_shows_what_it_knows_while_the_bucket_is_away(monkeypatch):
    campaign = close_campaign(campaign_with(1).pk, by=None)
    address = f"/draws/{campaign.campaign_id}"
    assert "will be published here soon" in Client().get(address).content.decode()
    out_of_reach(monkeypatch, "proofs/")
    shown = Client().get(address)
    assert (shown.status_code, campaign.commitment in shown.content.decode()) == (200, True)
    assert "proof can’t be reached right now" in shown.content.decode()
    assert Client().get(f"{address}/draw.json").status_code == 200


def test_s10_before_the_draw_is_revealed_the_page_asks_nothing_of_the_bucket(monkeypatch):
    campaign = campaign_with(1)
    monkeypatch.delattr(DiskBucket, "open")
    shown = Client().get(f"/draws/{campaign.campaign_id}").content.decode()
    assert "Save the numbers on this page" in shown
