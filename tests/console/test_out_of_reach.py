"""Pages that need the bucket while it is away. [S-1]"""

from __future__ import annotations

import pytest
from django.test import Client

from campaigns.opening import close_campaign
from datalake.storage.buckets import DiskBucket
from tests.support.outages import out_of_reach
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def test_a_page_that_needs_the_bucket_says_when_to_come_again(monkeypatch):
    campaign = close_campaign(campaign_with(1).pk, by=None)
    out_of_reach(monkeypatch, "proofs/")
    answer = Client().get(f"/draws/{campaign.campaign_id}/proof.zip")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "Storage can’t be reached" in answer.content.decode()


def test_a_fault_of_the_disk_stays_a_fault(monkeypatch):
    campaign = close_campaign(campaign_with(1).pk, by=None)

    def broken(*_):
        raise OSError("Input/output error")

    monkeypatch.setattr(DiskBucket, "exists", broken)
    with pytest.raises(OSError, match="Input/output"):
        Client().get(f"/draws/{campaign.campaign_id}/proof.zip")
