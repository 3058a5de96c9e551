"""What the database gives to the proof. [S-10]"""

from __future__ import annotations

import json
import zipfile

import pytest

from campaigns.models import Market, ScoreFile
from console.proof import proof
from tests.console.proof.presale_cases import (
    close,
    presale,
    sent,
    verify,
)
from tests.support.waves import NOW, person, request
from waves.models import Wave
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db


def test_the_same_campaign_gives_the_same_bytes_whatever_the_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """[S-10]"""
    campaign = presale()
    sent(campaign, "20260121")
    close(campaign)
    first = proof.proof_bundle(campaign.campaign_id)["sha256"]
    monkeypatch.setattr("console.proof.data.CHUNK_ROWS", 7)
    assert proof.proof_bundle(campaign.campaign_id)["sha256"] == first
    campaign.refresh_from_db()
    assert proof.published_bundle(campaign).sha256 == first


def test_an_attempt_that_failed_stays_in_sight_and_a_wave_not_sent_stays_out() -> None:
    """[S-10]"""
    campaign = presale()
    sent(campaign, "20260121")
    Market.objects.filter(campaign=campaign).update(capacity=12)
    prepare(request(campaign, "20260123"), by=person("pat", superuser=True), now=NOW)
    Wave.objects.filter(campaign=campaign, date_key="20260123").update(state="cancelled")
    ScoreFile.objects.create(
        campaign=campaign,
        attempt=2,
        name="x.txt",
        sha256="cd" * 32,
        state="failed",
        error="empty",
        bands={},
    )
    close(campaign)
    made = proof.proof_bundle(campaign.campaign_id)
    assert verify(made)["problems"] == []
    with zipfile.ZipFile(made["bundle"]) as archive:
        attempts = json.loads(archive.read("attempts.json"))
        assert [(attempt["attempt"], attempt["state"]) for attempt in attempts] == [
            (1, "streamed"),
            (2, "failed"),
        ]
        assert not any("20260123" in name for name in archive.namelist())
