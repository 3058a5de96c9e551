"""A closed campaign that can be archived: its proof is stored, and the lake has what it published."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from campaigns.draw import Draw
from campaigns.models import Campaign, FanScore, ScoreFile
from console.proof import proof
from datalake import save
from datalake.storage import buckets
from tests.console.proof.presale_cases import close, publish_digests
from tests.support.campaigns import SALT, SEED
from tests.support.database.kept import scheduled
from tests.support.waves import NOW, campaign_with
from waves.choices import SendState
from waves.models import Send, Wave
from waves.schedule import check_due_waves
from waves.sending import new_messages, results


def after_a_wave() -> Campaign:
    """Of twelve fans, ten of whom were sent an SMS and an e-mail with their code."""
    return settled(sent_wave().campaign)


def sent_wave() -> Wave:
    wave = scheduled()
    check_due_waves(now=wave.notify_date)
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state=SendState.SENT, sent_at=timezone.now())
    results.complete(wave.pk)
    # not on its notify date: the proof has the times in their order
    Wave.objects.filter(pk=wave.pk).update(triggered_at=timezone.now())
    wave.refresh_from_db()
    return wave


def without_waves(fans: int = 3) -> Campaign:
    """The same, sooner made."""
    return settled(campaign_with(fans))


def settled(campaign: Campaign) -> Campaign:
    Campaign.objects.filter(pk=campaign.pk).update(opened_at=NOW - timedelta(days=30))
    publish_digests(campaign.active_score_file)
    store_roster(campaign)
    ScoreFile.objects.filter(campaign=campaign).update(state="saved")
    closed = close(campaign)
    save.save("input")
    proof.proof_bundle(closed.campaign_id)
    return closed


def store_roster(campaign: Campaign) -> None:
    """Of its one score file. [S-10]"""
    draw = Draw(campaign.campaign_id, SEED, SALT)
    rows = FanScore.objects.values_list("global_user_id", "raw_text", "preferences")
    lines = sorted(f"{draw.fan_ref(fan)}\t{raw}\t{wanted or ''}\n" for fan, raw, wanted in rows)
    file = ScoreFile.objects.get(campaign=campaign)
    buckets.scoring().put(file.roster_key, "".join(lines).encode())
