"""What the proof of a draw is made of, read out of the database: fans in chunks, waves, and who was
a candidate. [S-10]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO

import polars as pl
from django.db.models import Prefetch

from campaigns.draw import LOW, Draw, fan_refs
from campaigns.models import ScoreFile
from campaigns.scoring import rules
from datalake.storage import buckets
from operations.database.copying import nullable_frame_of
from waves import markets
from waves.choices import Order, WaveState
from waves.models import Wave, WaveMarket
from waves.selection import candidates
from waves.selection.eligibility import eligible_markets

CHUNK_ROWS = 100_000
HEAVY_OF_FILES = ("rules", "fairness", "dry_run")  # megabytes each
HEAVY_OF_WAVES = ("content", "status_content", "excluded", "options")
BEFORE_SELECTION = (
    WaveState.CONFIGURED,
    WaveState.CODE_GENERATED,
    WaveState.FAILED,
    WaveState.CANCELLED,
)

_FANS = """
SELECT score.global_user_id, score.raw_text, score.raw_score, score.band_score,
    score.preferences, fan.id
FROM campaigns_fanscore AS score
LEFT JOIN campaigns_registrant AS fan
    ON fan.campaign_id = %(campaign)s AND fan.global_user_id = score.global_user_id COLLATE
        "default"
WHERE score.score_file_id = %(score_file)s AND score.global_user_id > %(after)s
ORDER BY score.global_user_id LIMIT %(limit)s
"""
_FANS_SCHEMA = {
    "global_user_id": pl.String,
    "raw_score": pl.String,
    "number": pl.Float64,
    "band_score": pl.Float64,
    "preferences": pl.String,
    "registrant": pl.Int64,
}
_MEMBERS = """
SELECT member.global_user_id, member.wave_id, market.market_id, member.place, member.band_score
FROM waves_member AS member JOIN campaigns_market AS market ON market.id = member.market_id
WHERE member.wave_id = ANY(%(waves)s) AND member.place > 0 ORDER BY member.wave_id, member.place
"""
_MEMBERS_SCHEMA = {
    "global_user_id": pl.String,
    "wave": pl.Int64,
    "market_id": pl.String,
    "place": pl.Int64,
    "band_score": pl.Float64,
}
_WISHES = """
SELECT fan.global_user_id, array_to_string(fan.preferences, '|'), (extract(epoch
    FROM fan.registered_at) * 1000000)::bigint
FROM campaigns_registrant AS fan
JOIN campaigns_fanscore AS score
    ON score.score_file_id = %(score_file)s AND score.global_user_id = fan.global_user_id COLLATE
        "C"
JOIN waves_member AS member ON member.wave_id = ANY(%(waves)s)
    AND member.global_user_id = fan.global_user_id
WHERE fan.campaign_id = %(campaign)s AND score.raw_score >= %(least)s
"""
_WISHES_SCHEMA = {"global_user_id": pl.String, "preferences": pl.String, "registered_us": pl.Int64}


def proven_waves(campaign_pk: int) -> list[Wave]:
    """The campaign's waves that have members, in the order in which they took them, with their
    markets; without what is large and not proven.
    """
    found = Wave.objects.filter(campaign_id=campaign_pk).exclude(state__in=BEFORE_SELECTION)
    heavy = (*HEAVY_OF_WAVES, *(f"score_file__{name}" for name in HEAVY_OF_FILES))
    seats = WaveMarket.objects.select_related("market").order_by("position", "market__market_id")
    return list(
        found.select_related("campaign", "score_file")
        .defer(*heavy)
        .prefetch_related(Prefetch("wave_markets", seats))
        .order_by("prepared_at", "id")
    )


def members_of(waves: Sequence[Wave], salt: bytes) -> pl.DataFrame:
    """`global_user_id, fan_ref, wave` (key), `market_id, place, band_score` of all whom they
    selected, in the order of the draw; not of those who came back with their code (place 0). [W-6]
    """
    members = nullable_frame_of(_MEMBERS, _MEMBERS_SCHEMA, waves=[wave.pk for wave in waves])
    return members.with_columns(fan_refs(salt, members["global_user_id"]))


def wave_markets_of(wave: Wave) -> list[WaveMarket]:
    """The markets a wave of `proven_waves` selected for, in position order. [W-5]"""
    seats = list(wave.wave_markets.all())
    if wave.order == Order.SINGLE_MARKET:
        return [seat for seat in seats if seat.market.market_id == wave.single_market]
    return seats


def least_score(wave: Wave) -> float:
    """The minimum that a candidate's raw score had to reach when the wave was prepared. [S-16]"""
    return LOW.low if wave.least_score is None else wave.least_score


def eligible(wave: Wave, later: Sequence[Wave]) -> pl.DataFrame:
    """`global_user_id` and `eligible` (market ids joined by |) of a wave's candidates, sorted by
    id.

    From the record its preparation kept. Without one, from the database as it is now: those who
    could be selected today, and those whom this or a `later` wave took since.
    """
    bucket = buckets.scoring()
    if wave.candidates_key and bucket.exists(wave.candidates_key):
        with bucket.open(wave.candidates_key) as file:
            return pl.read_parquet(BytesIO(file.read())).sort("global_user_id")
    in_play = {seat.market.market_id for seat in wave_markets_of(wave)}
    seats = [seat for seat in markets.seats_of(wave) if seat.market_id in in_play]
    return eligible_markets(_candidates_today(wave, later), seats).sort("global_user_id")


def fans_of(
    score_file: ScoreFile, draw: Draw, cells: dict[str, pl.DataFrame], waves: Sequence[Wave]
) -> Iterator[pl.DataFrame]:
    """The score file's fans in chunks, as `bundle.ProvenAttempt.fans`; `cells`: what `eligible`
    gives, by date key.
    """
    after = ""
    while True:
        fans = nullable_frame_of(
            _FANS,
            _FANS_SCHEMA,
            campaign=score_file.campaign_id,
            score_file=score_file.pk,
            after=after,
            limit=CHUNK_ROWS,
        )
        if fans.is_empty():
            return
        first, after = fans["global_user_id"][0], str(fans["global_user_id"][-1])
        chunk = fans.with_columns(
            fan_refs(draw.salt, fans["global_user_id"]), pl.col("preferences").fill_null("")
        )
        for wave in waves:
            near = cells[wave.date_key].filter(
                pl.col("global_user_id").is_between(pl.lit(first), pl.lit(after))
            )
            chunk = chunk.join(near, on="global_user_id", how="left", maintain_order="left")
            chunk = chunk.with_columns(
                pl.col("eligible").fill_null(_why_not(wave)).alias(wave.date_key)
            ).drop("eligible")
        yield chunk


def _why_not(wave: Wave) -> pl.Expr:
    """As far as it can be said without personal data; the reason a fan's contact was refused is for
    support to tell.
    """
    low = pl.col("number") < least_score(wave)
    return (
        pl.when(pl.col("registrant").is_null())
        .then(pl.lit("!not_registered"))
        .when(low)
        .then(pl.lit("!below_minimum_score"))
        .otherwise(pl.lit("!not_a_candidate"))
    )


def _candidates_today(wave: Wave, later: Sequence[Wave]) -> pl.DataFrame:
    assert wave.score_file is not None  # noqa: S101 -- uploaded waves have no candidates
    gathered = candidates.gather(
        wave.score_file,
        replace(rules.gather(wave.campaign), min_score=LOW.low),
        min_score=least_score(wave),
        wave_id=wave.pk,
    ).frame.select("global_user_id", "preferences", "registered_at")
    taken = nullable_frame_of(
        _WISHES,
        _WISHES_SCHEMA,
        campaign=wave.campaign_id,
        score_file=wave.score_file.pk,
        waves=[wave.pk, *(other.pk for other in later)],
        least=least_score(wave),
    ).select(
        "global_user_id",
        pl.when(pl.col("preferences") == "")
        .then(pl.lit([], pl.List(pl.String)))
        .otherwise(pl.col("preferences").str.split("|"))
        .alias("preferences"),
        pl.col("registered_us").cast(pl.Datetime("us", "UTC")).alias("registered_at"),
    )
    return pl.concat([gathered, taken]).unique("global_user_id", keep="first")
