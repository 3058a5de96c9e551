"""A wave over 50 markets: preview beside reading the same columns, preparation beside the preview,
both in a worker of their own; then the second count.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from django.db import transaction

from benchmarks.figures import Bound, Figure
from benchmarks.support.worker import AS_SERVED
from campaigns.draw import Draw, draw_frame
from campaigns.models import Campaign, Market, ScoreFile
from campaigns.scoring import tables
from operations.database import statements
from operations.database.copying import copy_nullable

ROWS, WARM_UP_ROWS = 2_000_000, 200_000
MARKETS = 50
MOST_PREFERENCES = 5
SELECTED_OF = 20  # one seat for so many fans
NOW = datetime(2026, 1, 19, 12, tzinfo=UTC)
NOTIFY = datetime(2026, 1, 21, 18, tzinfo=UTC)
SEED, SALT = bytes(range(32)), bytes(range(32, 64))
MOST_BYTES_A_FAN = 100


def run(rows: int | None) -> list[Figure | Bound]:
    fans = rows or ROWS
    warm_up, campaign = presale(WARM_UP_ROWS, "warm-up"), presale(fans, "bench-waves")
    took = _in_a_worker(warm_up, campaign)
    reading, previewing, sealing = (took[name] for name in ("reading", "previewing", "sealing"))
    note = (
        f"{took['members']:,} selected over {MARKETS} markets; its own selection, codes, members"
        f" and files. Sealing the facts of the second count ({sealing:.2f} s) is counted there;"
        f" with it {took['preparing'] / previewing:.2f}×"
    )
    return [
        Figure("fans previewed", fans, previewing, "reading the same columns", reading, 1.2),
        Figure(
            "fans of a preparation",
            fans,
            max(took["preparing"] - sealing, 0.001),
            "preview of the same",
            previewing,
            1.8,
            note,
        ),
        Figure(
            "fans counted a second time",
            fans,
            sealing + took["counting"],
            "two minutes for two million",
            120 * fans / ROWS,
            1.0,
            took["verdict"],
        ),
        *(
            Bound(
                f"memory of a {stage} above the worker's base",
                took[f"{stage}_bytes"] / fans,
                "bytes a fan",
                at_most=MOST_BYTES_A_FAN,
                note=f"at its peak the worker had {took[f'{stage}_peak'] / 2**20:,.0f} MiB",
            )
            for stage in ("preview", "preparation")
        ),
    ]


def _in_a_worker(warm_up: Campaign, campaign: Campaign) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.support.selecting_worker"]
    command += [warm_up.campaign_id, campaign.campaign_id]
    ran = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=AS_SERVED | os.environ
    )
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def presale(count: int, campaign_id: str = "bench-waves") -> Campaign:
    """An open campaign whose fans are scored and registered; popular markets first, one to five
    preferences each.
    """
    campaign = Campaign.objects.create(
        campaign_id=campaign_id,
        name="Bench",
        status="open",
        opened_at=NOW - timedelta(days=5),
        seed=SEED,
        salt=SALT,
        commitment=hashlib.sha256(SEED).hexdigest(),
        salt_commitment=hashlib.sha256(SALT).hexdigest(),
    )
    seats = max(count // SELECTED_OF // MARKETS, 1)
    ids = [f"m{number:02d}" for number in range(MARKETS)]
    Market.objects.bulk_create(
        Market(
            campaign=campaign,
            market_id=m,
            name=m,
            capacity=seats,
            position=p,
            selection_time=NOW - timedelta(hours=1),
        )
        for p, m in enumerate(ids)
    )
    chance = np.random.default_rng(1)
    fans = pl.DataFrame({"global_user_id": [f"user-{number:08d}" for number in range(count)]})
    preferences = _preferences(count, ids, chance)
    _register(campaign, fans, preferences)
    raw_scores = pl.Series(chance.random(count) * 0.78 + 0.22)
    _score(campaign, fans.with_columns(raw_score=raw_scores), preferences)
    statements.run("ANALYZE")
    return campaign


def _preferences(count: int, ids: list[str], chance: np.random.Generator) -> pl.Series:
    weights = 1 / np.arange(1, len(ids) + 1) ** 0.8
    wanted = chance.choice(len(ids), (count, MOST_PREFERENCES), p=weights / weights.sum())
    lengths, names = chance.integers(1, MOST_PREFERENCES + 1, count), pl.Series(ids)
    named = pl.DataFrame(
        {
            f"w{n}": names.gather(pl.Series(wanted[:, n])).set(pl.Series(lengths <= n), None)
            for n in range(MOST_PREFERENCES)
        }
    )
    joined = pl.concat_str(pl.all(), separator=",", ignore_nulls=True)
    return named.select(pl.concat_str(pl.lit("{"), joined, pl.lit("}"))).to_series()


def _register(campaign: Campaign, fans: pl.DataFrame, preferences: pl.Series) -> None:
    registered = pl.lit((NOW - timedelta(days=3)).isoformat())
    rows = fans.with_columns(
        pl.lit(campaign.pk).alias("campaign_id"),
        pl.format("m-{}", "global_user_id").alias("member_id"),
        pl.format("{}@example.com", "global_user_id").alias("email"),
        pl.format(
            "+1206{}", pl.int_range(2_000_000, 2_000_000 + fans.height) % 7_000_000 + 2_000_000
        ).alias("phone"),
        pl.lit("US").alias("phone_region"),
        pl.lit(value=True).alias("phone_confirmed"),
        pl.lit("US").alias("country"),
        preferences.alias("preferences"),
        registered.alias("registered_at"),
        registered.alias("changed_at"),
        pl.lit("").alias("tags"),
    )
    for part in rows.iter_slices(250_000):
        copy_nullable("campaigns_registrant", part)


def _score(campaign: Campaign, fans: pl.DataFrame, preferences: pl.Series) -> None:
    file = ScoreFile.objects.create(
        campaign=campaign,
        attempt=1,
        name="bench.txt",
        timestamp="1",
        key="scored/bench.txt",
        sha256="0" * 64,
        state="streamed",
        streamed_at=NOW - timedelta(days=1),
        **dict.fromkeys(("rows_in", "accepted", "streamed"), fans.height),
    )
    texts = dict.fromkeys(
        ("row_id", "member_id", "email", "phone", "phone_region", "country", "tags"),
        "",
    )
    drawn = draw_frame(fans, Draw(campaign.campaign_id, SEED, SALT)).with_row_index(
        "line", offset=2
    )
    rows = drawn.with_columns(
        pl.lit(file.pk).alias("score_file_id"),
        pl.col("raw_score").cast(pl.String).alias("raw_text"),
        pl.lit(value=False).alias("phone_confirmed"),
        preferences.str.strip_chars("{}").str.replace_all(",", "|").alias("preferences"),
        *(pl.lit(value).alias(name) for name, value in texts.items()),
    )
    with transaction.atomic():
        tables.create(file.pk)
        for part in rows.iter_slices(250_000):
            tables.fill(file.pk, part)
        tables.index(file.pk)
        tables.attach(file.pk)
    campaign.active_score_file = file
    campaign.save(update_fields=["active_score_file"])
