"""Many waves that are due at the same moment, before three schedulers: how late each is triggered,
by the database's clock, and whether each is triggered once. [W-11]
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import polars as pl
from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks.figures import Bound
from campaigns.models import Campaign, Market
from operations.database import statements
from operations.database.copying import copy_nullable
from operations.models import StatusChange
from waves.choices import WaveState
from waves.digest import content_digest
from waves.messages.choosing import Text
from waves.messages.templates import live_content
from waves.models import Wave, WaveMarket

MEMBERS = 2_000  # of each wave
WAVES, SCHEDULERS = 50, 3
WARM_UP = timedelta(seconds=20)  # until the schedulers have started and look
PATIENCE_SECONDS = 120.0
SEED, SALT = bytes(range(32)), bytes(range(32, 64))


def run(rows: int | None) -> list[Bound]:
    members, person = rows or MEMBERS, User.objects.create(username="bench")
    alone = [_wave("alone", 0, members, person)]
    many = [_wave("together", number, members, person) for number in range(WAVES)]
    statements.run("ANALYZE")
    with _schedulers():
        idle = _late(alone, timezone.now() + WARM_UP)
        together = _late(many, timezone.now() + timedelta(seconds=3))
    slowest = sorted(together)[int(0.99 * len(together))]
    note = f"{members:,} members each, {SCHEDULERS} schedulers, each wave of its own campaign"
    return [
        Bound("lateness of a due wave, schedulers idle", max(idle), "s", at_most=1.0),
        Bound(
            f"lateness of {WAVES} due at once, p99",
            slowest,
            "s",
            at_most=5.0,
            note=note,
        ),
        Bound("waves triggered of those due", len(idle + together), "", at_least=WAVES + 1),
    ]


def _late(waves: list[Wave], due: datetime) -> list[float]:
    """Seconds behind the notify date at which each was triggered; the same wave twice stands
    twice.
    """
    names = [wave.name for wave in waves]
    for wave in waves:
        _schedule(wave, due)
    # they become due at the same instant, and no scheduler has them in its list before
    moved = StatusChange.objects.filter(subject_id__in=names, to_state=WaveState.TRIGGERED)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while moved.count() < len(names) and time.monotonic() < give_up:
        time.sleep(0.2)
    return [(at - due).total_seconds() for at in moved.values_list("at", flat=True)]


def _schedule(wave: Wave, due: datetime) -> None:
    wave.notify_date = due
    content = live_content(wave, [Text("west", "sms", "en", has_code=True)])
    wave.content = content
    digest = content_digest(wave)
    Wave.objects.filter(pk=wave.pk).update(
        notify_date=due,
        content=content,
        content_digest=digest,
        approved_digest=digest,
        counted_digest=digest,
        approved_by=wave.prepared_by,
        waiver="a benchmark",
        state=WaveState.SCHEDULED,
    )


def _wave(name: str, number: int, members: int, person: User) -> Wave:
    campaign = Campaign.objects.create(
        campaign_id=f"{name}-{number}",
        name=name,
        status="open",
        seed=SEED,
        salt=SALT,
        commitment=hashlib.sha256(SEED).hexdigest(),
        salt_commitment=hashlib.sha256(SALT).hexdigest(),
    )
    market = Market.objects.create(
        campaign=campaign,
        market_id="west",
        name="West",
        capacity=members,
        selection_time=timezone.now(),
    )
    wave = Wave.objects.create(
        campaign=campaign,
        date_key="20260121",
        name=f"{campaign.campaign_id}_20260121",
        notify_date=timezone.now() + timedelta(days=1),
        state=WaveState.PREPARED,
        selected=members,
        prepared_by=person,
    )
    WaveMarket.objects.create(
        wave=wave,
        market=market,
        name="West",
        capacity=members,
        room=members,
        selected=members,
        selection_time=market.selection_time,
    )
    fans = pl.DataFrame({"global_user_id": [f"fan-{n:06d}" for n in range(members)]})
    codes = pl.format("{}-{}", pl.lit(campaign.campaign_id), "global_user_id").alias("code")
    seat = {"campaign_id": campaign.pk, "wave_id": wave.pk, "market_id": market.pk}
    of_wave = [pl.lit(key).alias(column) for column, key in seat.items()]
    now = pl.lit(timezone.now().isoformat())
    copy_nullable(
        "waves_member",
        fans.with_columns(
            codes,
            *of_wave,
            pl.lit("").alias("member_id"),
            pl.lit("").alias("email"),
            pl.lit("").alias("language"),
            pl.lit("+12065550100").alias("phone"),
            pl.int_range(1, members + 1).alias("place"),
            pl.lit(0.5).alias("band_score"),
            pl.lit(value=True).alias("wave_live"),
        ),
    )
    copy_nullable(
        "waves_code",
        fans.with_columns(
            codes,
            *of_wave,
            pl.lit("own").alias("source"),
            pl.lit("").alias("origin"),
            pl.lit("reserved").alias("state"),
            *(now.alias(column) for column in ("created_at", "reserved_at")),
        ),
    )
    return wave


@contextmanager
def _schedulers() -> Iterator[None]:
    """As `bin/serve` starts one, on this benchmark's database."""
    command = [sys.executable, "manage.py", "run_scheduler"]
    processes = [
        subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL)
        for _ in range(SCHEDULERS)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)
