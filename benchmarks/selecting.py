"""A wave over 50 markets: preview beside reading the same columns, preparation beside a COPY of the
rows it writes.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from django.contrib.auth.models import User
from django.db import connection, transaction

from benchmarks.figures import Figure
from campaigns.draw import Draw, draw_frame
from campaigns.models import Campaign, Market, ScoreFile
from campaigns.scoring import rules, tables
from operations.database import statements
from operations.database.copying import CSV, copy_nullable, nullable_frame_of, pieces_of
from waves.models import Wave
from waves.preparation import prepare, previews
from waves.second_count import count
from waves.second_count.sealed_record import write_facts
from waves.selection import candidates
from waves.selection.plan import WaveRequest

ROWS = 2_000_000
MARKETS = 50
SELECTED_OF = 20  # one seat for so many fans
NOW = datetime(2026, 1, 19, 12, tzinfo=UTC)
NOTIFY = datetime(2026, 1, 21, 18, tzinfo=UTC)
SEED, SALT = bytes(range(32)), bytes(range(32, 64))

_MEMBER: tuple[str, ...] = (
    "wave_id",
    "campaign_id",
    "market_id",
    "global_user_id",
    "member_id",
    "email",
    "phone",
    "code",
    "place",
)
_MEMBER += ("band_score", "wave_live")
_CODE: tuple[str, ...] = (
    "campaign_id",
    "code",
    "source",
    "state",
    "wave_id",
    "global_user_id",
    "market_id",
    "begins_at",
    "ends_at",
)
_CODE += ("created_at", "reserved_at")


def run(rows: int | None) -> list[Figure]:
    fans = rows or ROWS
    campaign = presale(fans)
    request = WaveRequest(campaign.campaign_id, "20260121", notify_date=NOTIFY)
    reading, _ = _timed(lambda: _read(campaign))
    previewing, decision = _timed(lambda: previews.preview(request, now=NOW).planned)
    members = decision.selection.members.height
    by = User.objects.create(username="bench")
    sealing, _ = _timed(lambda: _seal(campaign))
    preparing, prepared = _timed(lambda: prepare.prepare(request, by=by, now=NOW))
    counting, counted = _timed(lambda: count.count_here(prepared.wave))
    copying = _copy_again(prepared.wave)
    note = (
        f"{members:,} selected over {MARKETS} markets; the preparation selects once more"
        f" ({previewing:.2f} s, taken off here) and seals the facts of the second count"
        f" ({sealing:.2f} s, counted there)"
    )
    agreed = "agrees" if counted.counted_digest else f"DIFFERS: {counted.count_problems}"
    return [
        Figure(
            "fans counted a second time",
            fans,
            sealing + counting,
            "two minutes for two million",
            120 * fans / 2_000_000,
            1.0,
            agreed,
        ),
        Figure("fans previewed", fans, previewing, "reading the same columns", reading, 2.0),
        Figure(
            "members prepared",
            members,
            max(preparing - previewing - sealing, 0.001),
            "COPY of the same rows",
            copying,
            2.5,
            note,
        ),
    ]


def _seal(campaign: Campaign) -> None:
    """What a preparation does for the second count: its facts, written and thrown away."""
    wave = Wave.objects.create(
        campaign=campaign, date_key="20260122", name="bench_sealed", notify_date=NOTIFY
    )
    with tempfile.TemporaryDirectory() as folder:
        write_facts(
            wave.pk,
            Path(folder) / "facts.zip",
            now=NOW,
            lists=rules.files_for(campaign),
            markets_file=None,
        )
    wave.delete()


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.monotonic()
    result = work()
    return time.monotonic() - started, result


def _read(campaign: Campaign) -> None:
    """What the preview reads, thrown away as it comes."""
    numbers: dict[str, Any] = {
        "campaign": campaign.pk,
        "wave": None,
        "score_file": campaign.active_score_file_id,
    }
    for _ in pieces_of(candidates.FANS, CSV, **numbers):
        pass


def _copy_again(wave: Wave) -> float:
    """Seconds of a COPY of the wave's members and codes, after they were deleted."""
    frames = {
        "waves_member": _rows(wave, "waves_member", _MEMBER),
        "waves_code": _rows(wave, "waves_code", _CODE),
    }
    with connection.cursor() as cursor:
        for table in frames:
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"VACUUM ANALYZE {table}")

    def copy() -> None:
        with transaction.atomic():
            for table, frame in frames.items():
                copy_nullable(table, frame)

    return _timed(copy)[0]


def _rows(wave: Wave, table: str, columns: tuple[str, ...]) -> pl.DataFrame:
    return nullable_frame_of(
        f"SELECT {', '.join(columns)} FROM {table} WHERE wave_id = %(wave)s",
        dict.fromkeys(columns, pl.String),
        wave=wave.pk,
    )


def presale(count: int) -> Campaign:
    """An open campaign whose fans are scored and registered; popular markets first, one to three
    preferences each.
    """
    campaign = Campaign.objects.create(
        campaign_id="bench-waves",
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
    preferences = chance.choice(len(ids), (count, 3), p=weights / weights.sum())
    named = pl.DataFrame(
        {f"w{n}": pl.Series(ids).gather(pl.Series(preferences[:, n])) for n in range(3)}
    )
    return named.select(
        pl.concat_str(pl.lit("{"), pl.concat_str(pl.all(), separator=","), pl.lit("}"))
    ).to_series()


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
        pl.lit(value=True).alias("published"),
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
