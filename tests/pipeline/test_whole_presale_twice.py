"""The whole presale twice, from two empty databases at the same hour: the same members, the same
proof to the byte. [X-2]
"""

from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

import sandbox
from campaigns.models import Campaign, ScoreFile
from campaigns.opening import campaign_of, close_campaign
from console.proof.proof import bundle_key, proof_bundle
from datalake.storage import buckets
from operations.models import StatusChange
from sandbox import fans
from tests.pipeline.test_same_twice import empty_database, load_everything
from tests.support.waves import approve
from waves import schedule
from waves.choices import WaveState
from waves.models import Wave
from waves.preparation import prepare
from waves.selection.request import WaveRequest
from waves.sending import tasks as sending_tasks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
COUNT = 2_000
NOW = datetime(2026, 2, 1, 18, tzinfo=UTC)


@pytest.fixture
def gateway(settings, monkeypatch):
    """A provider, and clocks that stand still: proofs say when things happened."""
    stop_clocks(monkeypatch)
    with sandbox.running(latency_ms=1) as providers:
        settings.SMS_URL, settings.SMS_PER_SECOND = providers.url, 100_000
        yield providers


def whole_presale(folder) -> dict[str, object]:
    load_everything(folder, fans.campaign(COUNT))
    # its default took hold of the clock before it stood still
    ScoreFile.objects.update(created_at=NOW)
    as_if_the_databases_clock_stood_still()
    preparer = User.objects.create_superuser("preparer")
    approver = User.objects.create_superuser("approver")
    request = WaveRequest("12345", "20260201", notify_date=NOW)
    wave = prepare.prepare(request, by=preparer, now=NOW, expedite="twice").wave
    approve(wave, by=approver, digest=wave.content_digest, now=NOW)
    schedule.schedule(wave, by=approver, now=NOW)
    schedule.check_due_waves(now=NOW)
    told = sending_tasks.send_here(wave)
    call_command("deliver_email")
    wave = Wave.objects.get(pk=wave.pk)
    close_campaign(campaign_of("12345").pk, by=approver)
    as_if_the_databases_clock_stood_still()
    proof_bundle("12345")
    with buckets.scoring().open(bundle_key("12345")) as file, zipfile.ZipFile(file) as opened:
        bundle = {name: hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist()}
    members = list(
        wave.members.order_by("place").values_list(
            "place", "global_user_id", "market__market_id", "band_score"
        )
    )
    return {
        "state": wave.state,
        "told": told["ok"],
        "digest": wave.members_digest,
        "members": members,
        "bundle": bundle,
    }


def stop_clocks(monkeypatch) -> None:
    """Those of the process, and that of the history, which nothing can rewrite later."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    monkeypatch.setattr(StatusChange._meta.get_field("at"), "_get_default", lambda: NOW)


def as_if_the_databases_clock_stood_still() -> None:
    for name in ("opened_at", "entropy_entered_at", "first_drawn_at", "closed_at"):
        Campaign.objects.exclude(**{name: None}).update(**{name: NOW})


def test_the_same_campaign_twice_selects_the_same_members_and_gives_the_same_proof(
    tmp_path, gateway
):
    fans.write_registrations(tmp_path / "registrations.csv", COUNT)
    fans.write_scores(tmp_path / "scores.txt", COUNT)
    empty_database()
    first = whole_presale(tmp_path)
    empty_database()
    gateway.forget()  # the same keys with other codes would be refused, and rightly
    second = whole_presale(tmp_path)
    assert (first["state"], len(first["members"])) == (WaveState.COMPLETED, first["told"])
    assert len(first["members"]) > 150
    assert second == first
