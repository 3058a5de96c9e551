"""Own codes for the members of a wave: what lies ready first, the rest is minted. [K-1, K-5]"""

from __future__ import annotations

from datetime import datetime

import polars as pl
from django.db import transaction

from operations.database.statements import run
from waves.choices import CodeState
from waves.codes.minting import make
from waves.codes.reservations import Fence, held_by
from waves.models import Wave
from waves.naming import code_validity

BATCH = 50_000
MOST_ROUNDS = 5

_RESERVE_AVAILABLE = """
WITH free AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
        SELECT id FROM waves_code WHERE campaign_id = %(campaign)s AND state = 'available'
            AND source = 'own' AND only_market_id IS NULL
        ORDER BY id LIMIT %(count)s FOR UPDATE SKIP LOCKED) AS available
), fans AS (
    SELECT * FROM unnest(%(fans)s::text[], %(markets)s::bigint[]) WITH ORDINALITY
        AS f (fan, market, n)
)
UPDATE waves_code SET state = 'reserved', wave_id = %(wave)s, global_user_id = fans.fan, market_id =
    fans.market,
    begins_at = %(begins)s, ends_at = %(ends)s, reserved_at = %(now)s
FROM free JOIN fans USING (n) WHERE waves_code.id = free.id
"""


def reserve(wave: Wave, own: pl.DataFrame, now: datetime, fence: Fence) -> int:
    """How many were minted; who gets none after all the rounds is left over."""
    generated = 0
    for _ in range(MOST_ROUNDS):
        served = [_reserve_batch(wave, batch, now, fence) for batch in own.iter_slices(BATCH)]
        generated += sum(minted for _, minted in served)
        if sum(ready + minted for ready, minted in served) == own.height:
            break
        own = own.join(held_by(wave), on="global_user_id", how="anti", maintain_order="left")
    return generated


def _reserve_batch(wave: Wave, batch: pl.DataFrame, now: datetime, fence: Fence) -> tuple[int, int]:
    """Reserve what lies ready, mint the rest, in one transaction; how many lay ready, and how many
    were minted. A collision is left over.
    """
    begins, ends = code_validity(wave.notify_date, wave.campaign.time_zone)
    fans, markets = batch["global_user_id"].to_list(), batch["market"].to_list()
    common = {
        "campaign": wave.campaign_id,
        "wave": wave.pk,
        "begins": begins,
        "ends": ends,
        "now": now,
    }
    with transaction.atomic():
        fence()
        ready = run(_RESERVE_AVAILABLE, count=len(fans), fans=fans, markets=markets, **common)
        missing = batch.slice(ready).select("global_user_id", pl.col("market").alias("market_id"))
        return ready, _make_reserved(wave, missing, begins, ends, now) if missing.height else 0


def _make_reserved(
    wave: Wave, fans: pl.DataFrame, begins: datetime, ends: datetime, now: datetime
) -> int:
    moments = {"begins_at": begins, "ends_at": ends, "created_at": now, "reserved_at": now}
    return make(
        wave.campaign,
        fans.with_columns(
            pl.lit(CodeState.RESERVED.value).alias("state"),
            pl.lit(wave.pk, dtype=pl.Int64).alias("wave_id"),
            pl.lit(wave.pk, dtype=pl.Int64).alias("made_for_id"),
            *(pl.lit(at.isoformat()).alias(name) for name, at in moments.items()),
        ),
    )
