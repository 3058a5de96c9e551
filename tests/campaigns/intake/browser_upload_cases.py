"""What a browser sends while it uploads a score file."""

from __future__ import annotations

from typing import Any

import requests
from django.test import Client

from campaigns.models import Campaign
from tests.support.campaigns import score_file_bytes, score_row

CONTENT = score_file_bytes([score_row(1), score_row(2)])


def ask(client: Client, campaign: Campaign, name: str = "") -> dict[str, Any]:
    asked = client.post(
        f"/admin/campaign/{campaign.campaign_id}/scores/permit/",
        {"name": name or f"{campaign.campaign_id}.7.txt"},
    )
    assert asked.status_code == 200
    return asked.json()


def upload(permit: dict[str, Any], content: bytes = CONTENT) -> requests.Response:
    return requests.post(permit["url"], data=permit["fields"], files={"file": ("blob", content)})


def report_done(client: Client, campaign: Campaign, permit: dict[str, Any], **more: str):
    return client.post(
        f"/admin/campaign/{campaign.campaign_id}/scores/uploaded/",
        {"token": permit["token"]} | more,
    )
