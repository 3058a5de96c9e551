"""One prepared wave, sent again for each figure."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from campaigns import loading
from campaigns.opening import campaign_of
from campaigns.registrations import imports
from campaigns.scoring import score_files
from fairwave import env
from sandbox import fans
from waves import approval, schedule
from waves.models import ProviderAccount, Send, Wave
from waves.preflight.jobs import preflight_here
from waves.preparation import prepare
from waves.second_count import count
from waves.selection.request import WaveRequest
from waves.sending import new_messages

SELECTED_OF_FANS = 0.45  # of the pretend fans about so many pass every rule and are reached by SMS


def triggered_wave(members: int) -> Wave:
    """A wave of about so many members, brought to its trigger by the product's own steps."""
    count = int(members / SELECTED_OF_FANS)
    name = f"bench-{uuid.uuid4().hex[:8]}"
    document = fans.campaign(count, campaign_id=name)
    for market in document["markets"]:
        market["capacity"] = members
    campaign = loading.load(document).campaign
    folder = env.data_folder() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    fans.write_registrations(folder / "registrations.csv", count)
    fans.write_scores(folder / f"{name}.1.txt", count)
    with (folder / "registrations.csv").open("rb") as file:
        imports.process(
            imports.open_job(imports.receive(campaign, "r.csv", file, by=None), by=None).pk
        )
    with (folder / f"{name}.1.txt").open("rb") as file:
        received = score_files.receive(campaign_of(name), f"{name}.1.txt", file, by=None)
    score_files.process(score_files.open_job(received.score_file, by=None).pk)
    return _approved_and_triggered(name)


def unsent(wave: Wave) -> dict[str, int]:
    """The wave as when it was triggered, its messages made and none of them sent. Returns how many
    there are to send of each channel.
    """
    Send.objects.filter(wave=wave).delete()
    Wave.objects.filter(pk=wave.pk).update(state="triggered", completed_at=None)
    ProviderAccount.objects.all().delete()
    new_messages.make_sends(wave)
    pending = Send.objects.filter(wave=wave, state="pending")
    return {channel: pending.filter(channel=channel).count() for channel in ("sms", "email")}


def _approved_and_triggered(campaign_id: str) -> Wave:
    preparer, _ = User.objects.get_or_create(username="preparer", defaults={"is_superuser": True})
    approver, _ = User.objects.get_or_create(username="approver", defaults={"is_superuser": True})
    now = timezone.now()
    request = WaveRequest(
        campaign_id, now.strftime("%Y%m%d"), notify_date=now + timedelta(seconds=1)
    )
    wave = prepare.prepare(request, by=preparer, now=now, expedite="benchmark").wave
    count.count_here(wave)
    preflight_here(wave, by=approver)
    approval.approve(
        wave, by=approver, digest=wave.content_digest, now=timezone.now(), waiver="benchmark"
    )
    schedule.schedule(wave, by=approver, now=timezone.now())
    time.sleep(1.1)
    schedule.check_due_waves(now=timezone.now())
    return wave
