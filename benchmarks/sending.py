"""A prepared wave sent to the sandbox with every send recorded, beside a bare aiohttp client
against the same server.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import timedelta
from typing import Any

import aiohttp
import uvloop
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

import sandbox
from benchmarks.figures import Figure
from campaigns import loading
from campaigns.opening import campaign_of
from campaigns.registrations import imports
from campaigns.scoring import score_files
from fairwave import env
from sandbox import fans
from waves import approval, schedule
from waves.preflight.jobs import preflight_here
from waves.preparation import prepare
from waves.second_count import count
from waves.selection.request import WaveRequest
from waves.sending import send_wave
from waves.sending.accounts import Limits

ROWS = 20_000
CONNECTIONS = 200
LEAST_PER_SECOND = 1_000
LATENCY_MS = 20
SELECTED_OF_FANS = 0.45  # of the pretend fans about so many pass every rule and are reached by SMS


def run(rows: int | None) -> list[Figure]:
    count = rows or ROWS
    with sandbox.running(latency_ms=LATENCY_MS) as providers:
        wave = triggered_wave(count)
        settings.SMS_URL = providers.url
        unlimited = Limits(per_second=1_000_000, concurrency=CONNECTIONS)
        started = time.monotonic()
        result = send_wave.send_wave(wave, limits=unlimited)
        seconds = time.monotonic() - started
        sent = result["detail"]["sms"]["sent"]
        seen = providers.received()["sms"]
        providers.forget()
        bare = uvloop.run(bare_client(providers.url, sent))
    per_second = sent / seconds
    verdict = "holds" if per_second >= LEAST_PER_SECOND else "FALLS SHORT"
    note = (
        f"{per_second:,.0f} messages a second end to end, goal {LEAST_PER_SECOND:,}: {verdict}; the"
        " gateway accepted "
    )
    note += (
        f"{seen['keys']:,} keys, {seen['keys_accepted_twice']} of them twice, at most"
        f" {seen['max_concurrency']} at once"
    )
    limit = f"bare aiohttp, {LATENCY_MS} ms, {CONNECTIONS} connections"
    return [Figure("messages sent and recorded", sent, seconds, limit, bare, 1 / 0.75, note)]


def triggered_wave(members: int) -> int:
    """A wave of about so many members, brought to its trigger by the product's own steps. Returns
    its number.
    """
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


def _approved_and_triggered(campaign_id: str) -> int:
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
    return wave.pk


async def bare_client(url: str, count: int) -> float:
    """Seconds in which so many workers post so many messages and note nothing."""
    numbers = iter(range(count))
    headers = {"Authorization": f"Bearer {settings.SMS_TOKEN}"}
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def work() -> None:
            for number in numbers:
                body: dict[str, Any] = {
                    "to": f"+1206{number:07d}",
                    "body": "Spring Tour: your code is ABCDEFGHJK",
                    "reference": str(number),
                }
                async with session.post(
                    f"{url}/sms", json=body, headers={"Idempotency-Key": str(uuid.uuid4())}
                ) as response:
                    await response.read()

        started = time.monotonic()
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        return time.monotonic() - started
