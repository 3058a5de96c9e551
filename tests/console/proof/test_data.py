"""What the database gives to the proof. [S-10]"""

from __future__ import annotations

import json
import zipfile

import pytest

from campaigns import late_changes, rule_changes
from campaigns.choices import LateKind
from campaigns.models import Campaign, Market, ScoreFile
from console.proof import data, proof
from datalake.storage import buckets
from tests.console.proof.presale_cases import (
    close,
    presale,
    sent,
    verify,
)
from tests.support.waves import NOW, person, request
from waves.actions import cancel, reset
from waves.lifecycle import wave_named
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


def give_seats(campaign: Campaign, capacity: int) -> None:
    before = rule_changes.options_of(campaign.pk)
    Market.objects.filter(campaign=campaign).update(capacity=capacity)
    rule_changes.record(campaign, before, by=None, reason="a larger hall")


def test_an_attempt_that_failed_and_a_wave_that_was_cancelled_or_taken_back_stay_in_sight() -> None:
    """[S-10]"""
    campaign = presale()
    sent(campaign, "20260121")
    give_seats(campaign, 12)
    pat, asked = person("pat", superuser=True), request(campaign, "20260123")
    prepare(asked, by=pat, now=NOW)
    cancel(wave_named(asked.name), by=pat, reason="another day")
    give_seats(campaign, 24)
    asked = request(campaign, "20260124")
    prepare(asked, by=pat, now=NOW)
    reset(wave_named(asked.name), by=pat, reason="not yet")
    cancel(wave_named(asked.name), by=pat, reason="not at all")
    ScoreFile.objects.create(
        campaign=campaign,
        attempt=2,
        name="x.txt",
        sha256="cd" * 32,
        state="failed",
        error="empty",
        late=True,
        activate_when_streamed=False,
        bands={},
    )
    listed = {"by": pat, "reason": "corrected rows", "moved": None}
    late_changes.record(campaign, LateKind.SCORE_FILE, "attempt 2", **listed)
    close(campaign)
    made = proof.proof_bundle(campaign.campaign_id)
    assert verify(made)["problems"] == []
    with zipfile.ZipFile(made["bundle"]) as archive:
        attempts = json.loads(archive.read("draw.json"))["attempts"]
        assert [(attempt["attempt"], attempt["state"]) for attempt in attempts] == [
            (1, "streamed"),
            (2, "failed"),
        ]
        waves = json.loads(archive.read("draw.json"))["waves"]
        assert [(wave["date_key"], wave["state"], wave["kind"]) for wave in waves] == [
            ("20260121", "completed", "drawn"),
            ("20260123", "cancelled", "drawn"),
            ("20260124", "cancelled", "withdrawn"),
        ]
        assert "waves/20260123.members.tsv" in archive.namelist()


def test_a_wave_whose_record_is_away_is_not_proved_by_a_guess() -> None:
    """[S-10]"""
    campaign = presale()
    wave = sent(campaign, "20260121")
    buckets.scoring().delete(wave.candidates_key)
    close(campaign)
    with pytest.raises(data.RecordMissing, match="Restore it"):
        proof.proof_bundle(campaign.campaign_id)
