"""A prepared wave's SMS sent to the sandbox with every send recorded, beside a bare aiohttp client
against the same server.
"""

from __future__ import annotations

import time

from django.conf import settings

import sandbox
from benchmarks.figures import Figure
from benchmarks.peers import bare_clients
from benchmarks.support.sent_waves import triggered_wave, unsent
from waves.models import Wave
from waves.sending import send_wave
from waves.sending.accounts import Limits

ROWS = 20_000
CONNECTIONS = 200
UNLIMITED = Limits(per_second=1_000_000, concurrency=CONNECTIONS)
LEAST_SHARES = {20: 0.80, 150: 0.97}  # of a bare client's messages a second, by latency in ms


def run(rows: int | None) -> list[Figure]:
    wave = triggered_wave(rows or ROWS)
    return [sms(wave, latency_ms, least) for latency_ms, least in LEAST_SHARES.items()]


def sms(wave: Wave, latency_ms: int, least: float) -> Figure:
    """The whole of `send_wave`, its checks and its result too."""
    with sandbox.running(latency_ms=latency_ms) as providers:
        settings.SMS_URL = providers.url
        unsent(wave)
        started = time.monotonic()
        result = send_wave.send_wave(wave.pk, limits=UNLIMITED)
        seconds = time.monotonic() - started
        sent = result["detail"]["sms"]["sent"]
        seen = providers.received()["sms"]
        providers.forget()
        bare = bare_clients.sms_seconds(
            providers.url, settings.SMS_TOKEN, count=sent, connections=CONNECTIONS
        )
    note = (
        f"the gateway accepted {seen['keys']:,} keys, {seen['keys_accepted_twice']} of them twice,"
        f" at most {seen['max_concurrency']} at once"
    )
    limit = f"bare aiohttp on uvloop, {latency_ms} ms, {CONNECTIONS} connections"
    stage = f"SMS sent and recorded, {latency_ms} ms"
    return Figure(stage, sent, seconds, limit, bare, 1 / least, note)
