"""Codes made and stored, beside a bare COPY of as many under the same unique index; and the same
made for fans of a wave, who have a unique index of their own. [K-1, K-5]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
from django.db import transaction

from benchmarks.figures import Figure
from campaigns.models import Campaign, Market
from operations.database.copying import copy_plain
from operations.database.statements import run as execute
from waves.codes import own_codes, pool
from waves.codes.minting import make, mint
from waves.models import Wave

ROWS = 1_000_000
MOST_OF_COPY = 2.0
NOW = datetime(2026, 1, 19, 12, tzinfo=UTC)
NOTIFY = datetime(2026, 1, 21, 18, tzinfo=UTC)


def run(rows: int | None) -> list[Figure]:
    """The peer is measured before and after, so that no order of the three is better for one."""
    count = rows or ROWS
    campaign = Campaign.objects.create(campaign_id="bench-codes", name="Bench")
    before = _copy_bare(count)
    stored = _timed(lambda: _store(campaign, count))
    execute("TRUNCATE waves_code CASCADE")  # else those in stock would be reserved
    reserving = _timed(lambda: _reserve(campaign, count))
    copying = (before + _copy_bare(count)) / 2
    peer = "bare COPY of as many strings under the same unique index"
    note = "with wave and fan, whom a unique index allows one code of the wave"
    return [
        Figure("codes made and stored", count, stored, peer, copying, MOST_OF_COPY),
        Figure("codes made and reserved", count, reserving, peer, copying, note=note),
    ]


def _copy_bare(count: int) -> float:
    strings = pl.DataFrame({"code": mint(count, prefix="", length=10)})
    execute("CREATE TABLE bare_codes (code varchar(64))")
    execute("CREATE UNIQUE INDEX ON bare_codes (upper(code))")
    seconds = _timed(lambda: copy_plain("bare_codes", ["code"], strings))
    execute("DROP TABLE bare_codes")
    return seconds


def _store(campaign: Campaign, count: int) -> None:
    for first in range(0, count, own_codes.BATCH):
        size = min(own_codes.BATCH, count - first)
        with transaction.atomic():
            make(campaign, pl.DataFrame({"state": ["available"] * size}))


def _reserve(campaign: Campaign, count: int) -> None:
    market = Market.objects.create(
        campaign=campaign, market_id="m", name="M", capacity=count, selection_time=NOW
    )
    wave = Wave.objects.create(
        campaign=campaign, date_key="20260121", name="bench-codes_20260121", notify_date=NOTIFY
    )
    members = pl.DataFrame({"global_user_id": [f"user-{n:08d}" for n in range(count)]})
    members = members.with_columns(
        pl.lit(market.pk).alias("market"),
        pl.lit("own").alias("code_source"),
        pl.lit(None, dtype=pl.String).alias("held_code"),
    )
    pool.reserve(wave, members.sample(fraction=1, shuffle=True, seed=1), now=NOW)


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
