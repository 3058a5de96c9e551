"""PROCESSING: every row of a score file gets its one outcome and stands in the database, chunk by chunk. [S-3, S-12]

A chunk's rows, rejections and counts are committed together, so a killed task that runs again skips what is done. While
PostgreSQL takes one chunk in, the next is judged: two processes, two cores.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl
from django.db import connection, transaction
from django.db.models import F

from campaigns import draw, scoretables
from campaigns.choices import Reason
from campaigns.duplicates import Survey, chunks_of
from campaigns.models import Campaign, Registrant, ScoreFile
from campaigns.opening import draw_of
from campaigns.scorelines import Lines
from campaigns.scrub import ContactRanks, Rules, is_yes, judge_scores, tally
from campaigns.spill import Spill
from operations.choices import ChunkState
from operations.jobs import Lease
from operations.models import Chunk, Job
from operations.threads import helper_thread

REJECTED = ("score_file_id", "line", "global_user_id", "reason", "raw")


@dataclass(frozen=True)
class Judged:
    """One chunk's outcome: frames ready for COPY (`accepted` has `fan_ref` besides), and its counts."""

    number: int
    accepted: pl.DataFrame
    rejected: pl.DataFrame
    counts: dict[str, dict[str, int]]


def judge(score_file: ScoreFile, file: BinaryIO, survey: Survey, rules: Rules, lease: Lease) -> None:
    """Judge every chunk that is not done yet. Raises UnreadableFile, LeaseLost, JobStopped."""
    spill = Spill.of(lease.job_id)
    done = set(Chunk.objects.filter(job_id=lease.job_id, state=ChunkState.DONE).values_list("number", flat=True))
    with helper_thread("copy") as writer:
        waiting: Future[None] | None = None
        for judged in _judged_chunks(score_file, file, survey, rules, done):
            lease.check_stop()
            spill.put(judged.number, judged.accepted)  # before the chunk is committed: a chunk that is done lies there too
            if waiting is not None:
                waiting.result()
            waiting = writer.submit(_write, score_file.pk, judged, lease)
        if waiting is not None:
            waiting.result()


def _judged_chunks(score_file: ScoreFile, file: BinaryIO, survey: Survey, rules: Rules, done: set[int]) -> Iterator[Judged]:
    campaign = score_file.campaign
    ranks = ContactRanks(rules.max_fans_per_contact) if rules.max_fans_per_contact else None
    for lines in chunks_of(file):
        if lines.number in done and ranks is None:
            continue
        judged = _judge_chunk(score_file.pk, campaign, lines, survey, rules, ranks)
        if lines.number not in done:
            yield judged


def _judge_chunk(
    score_file_id: int, campaign: Campaign, lines: Lines, survey: Survey, rules: Rules, ranks: ContactRanks | None
) -> Judged:
    rows = _with_registrants(lines.rows, campaign)
    judged = judge_scores(rows, rules, duplicates=survey.are_duplicates(rows), ranks=ranks)
    accepted = judged.filter(pl.col("reason").is_null())
    rejected = _rejected(lines, judged.filter(pl.col("reason").is_not_null()))
    number = pl.lit(score_file_id, dtype=pl.Int64).alias("score_file_id")
    counts = {
        "rejected": tally(rejected["reason"]),
        "tagged": tally(accepted["tags"].explode()),
        "bands": tally(draw.band_of(accepted["raw_score"])),
    }
    stored = draw_rows(_stored(accepted), campaign)
    return Judged(
        lines.number,
        stored.select(number, *scoretables.COLUMNS[1:], "fan_ref"),
        rejected.select(number, *REJECTED[1:]),
        counts,
    )


def _rejected(lines: Lines, rejected: pl.DataFrame) -> pl.DataFrame:
    """`line`, `global_user_id`, `reason`, `raw` of the malformed lines and of the rows with a reason."""
    malformed = pl.DataFrame({"line": lines.malformed}, schema={"line": pl.Int64}).select(
        "line", pl.lit("").alias("global_user_id"), pl.lit(Reason.MALFORMED_ROW.value).alias("reason")
    )
    both = pl.concat([malformed, rejected.select("line", "global_user_id", "reason")]).sort("line")
    return both.with_columns(pl.Series("raw", [lines.raw(line) for line in both["line"]], dtype=pl.String))


def _stored(accepted: pl.DataFrame) -> pl.DataFrame:
    """Accepted rows as the table of scores has them, before the draw: text is never null."""
    texts = ("email", "phone", "phone_region")
    return accepted.rename({"id": "row_id", "confirmed": "phone_confirmed"}).with_columns(
        pl.col(texts).fill_null(""), pl.col("tags").list.join("|")
    )


def draw_rows(rows: pl.DataFrame, campaign: Campaign) -> pl.DataFrame:
    """Adds `fan_ref`, `band`, `band_score` and `luck`; the last two are null while a public value is awaited. [S-7, S-8]"""
    if campaign.draw_ready:
        return draw.draw_frame(rows, draw_of(campaign))
    refs = draw.fan_refs(bytes(campaign.salt or b""), rows["global_user_id"].to_list())
    nothing_yet = pl.lit(None, dtype=pl.Float64).alias("band_score"), pl.lit(None, dtype=pl.Int64).alias("luck")
    return rows.with_columns(pl.Series("fan_ref", refs, dtype=pl.String), draw.band_of(rows["raw_score"]), *nothing_yet)


def _with_registrants(rows: pl.DataFrame, campaign: Campaign) -> pl.DataFrame:
    """Adds `market_id` (first preference) and `confirmed`, with the `known_phone` it speaks of. [S-5, S-11]"""
    joined = rows.join(_registrants(campaign, rows["global_user_id"]), on="global_user_id", how="left", maintain_order="left")
    joined = joined.with_columns(pl.col("market_id").fill_null(""))
    if "phone_confirmed" in rows.columns:
        its_own = pl.lit(None, dtype=pl.String).alias("known_phone")
        return joined.with_columns(is_yes(pl.col("phone_confirmed")).alias("confirmed"), its_own).drop("phone_confirmed")
    return joined.with_columns(pl.col("known_phone").fill_null(""), pl.col("confirmed").fill_null(value=False))


def _registrants(campaign: Campaign, ids: pl.Series) -> pl.DataFrame:
    found: list[tuple[str, str, str, bool]] = []
    if Registrant.objects.filter(campaign=campaign).exists():
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT global_user_id, coalesce(preferences[1], ''), phone, phone_confirmed FROM campaigns_registrant
                   WHERE campaign_id = %s AND global_user_id = ANY(%s)""",
                [campaign.pk, ids.unique().to_list()],
            )
            found = cursor.fetchall()
    schema = {"global_user_id": pl.String, "market_id": pl.String, "known_phone": pl.String, "confirmed": pl.Boolean}
    return pl.DataFrame(found, schema=schema, orient="row")


def _write(score_file_id: int, judged: Judged, lease: Lease) -> None:
    """Rows, rejections, counts and progress of one chunk in one transaction, fenced by the attempt."""
    accepted, rejected = judged.accepted.height, judged.rejected.height
    with transaction.atomic():
        lease.hold()
        scoretables.fill(score_file_id, judged.accepted)
        scoretables.copy_in("campaigns_rejectedrow", REJECTED, judged.rejected)
        Chunk.objects.create(
            job_id=lease.job_id,
            number=judged.number,
            state=ChunkState.DONE,
            attempt=lease.attempt,
            rows_in=accepted + rejected,
            rows_out=accepted,
            rows_rejected=rejected,
            counts=judged.counts,
        )
        Job.objects.filter(pk=lease.job_id).update(
            progress=F("progress") + accepted + rejected,
            rows_in=F("rows_in") + accepted + rejected,
            rows_out=F("rows_out") + accepted,
            rows_rejected=F("rows_rejected") + rejected,
        )
