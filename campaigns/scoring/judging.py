"""PROCESSING: every row of a score file gets its one outcome and is written to the database, chunk
by chunk. [S-3, S-12]

A chunk's rows, rejections and counts are committed together, so a killed task that runs again skips
what is done. Five stages work at once, each on its own chunk: one is read, of one the registrants
are asked for, one is judged, one drawn, one taken in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

import polars as pl
from django.db import transaction
from django.db.models import F
from psycopg import sql

from campaigns import draw
from campaigns.choices import Reason
from campaigns.contacts.search_forms import COLUMNS as FOUND_BY
from campaigns.contacts.search_forms import search_forms
from campaigns.formats.score_bytes import Survey, chunks_of
from campaigns.formats.score_rows import Lines
from campaigns.models import Campaign, ScoreFile
from campaigns.opening import draw_of
from campaigns.scoring import tables
from campaigns.scoring.duplicates import SeenFans
from campaigns.scoring.local_cache import LocalCache
from campaigns.scoring.outcomes import ContactRanks, Rules, is_yes, judge_scores, tally
from campaigns.scoring.registrants import registrants_of
from datalake.erased.fans import erased_at
from datalake.erased.tombstones import are_tombstones, tombstones
from operations.choices import ChunkState
from operations.database.statements import commit_without_waiting, unhurried
from operations.leases import Lease
from operations.models import Chunk, Job
from operations.threads import helper_thread, in_order, prefetched

REGISTERED = {  # what the rules ask registrants for
    "preferences": sql.SQL("array_to_string(preferences, '|')"),
    "known_phone": sql.SQL("phone"),
    "confirmed": sql.SQL("phone_confirmed"),
}
CHANGED = {"changed_us": sql.SQL("((extract(epoch FROM changed_at) * 1000000)::bigint)::text")}
JUDGES = 2  # judging takes the longest of the stages


@dataclass(frozen=True)
class Reading:
    """A chunk of lines; for each row the fan's reference (null where there is none), and whether
    the fan came before.
    """

    lines: Lines
    refs: pl.Series
    are_repeated: pl.Series


@dataclass(frozen=True)
class Asked(Reading):
    """The same with what the database says: the registrants among the fans, and which rows are of
    fans who were erased. [S-5, S-11, X-11]
    """

    known: pl.DataFrame
    are_erased: pl.Series


@dataclass(frozen=True)
class Judged:
    """One chunk's outcome: accepted rows as the table has them (`fan_ref` besides; at first
    undrawn), rejected ones, counts.
    """

    number: int
    accepted: pl.DataFrame
    rejected: pl.DataFrame
    counts: dict[str, dict[str, int]]


def judge(
    score_file: ScoreFile, file: BinaryIO, survey: Survey, rules: Rules, lease: Lease
) -> None:
    """Judge every chunk that is not done yet. Raises UnreadableFile, LeaseLost, JobStopped."""
    campaign, cache = score_file.campaign, LocalCache.of(lease)
    done = set(
        Chunk.objects.filter(job_id=lease.job_id, state=ChunkState.DONE).values_list(
            "number", flat=True
        )
    )
    ranks = ContactRanks(rules.max_fans_per_contact) if rules.max_fans_per_contact else None
    # who counts fans per contact must see them in their order
    judges = JUDGES if ranks is None else 1
    with ExitStack() as stack:
        reader, asker, drawer = (
            stack.enter_context(helper_thread(stage)) for stage in ("read", "ask", "draw")
        )
        judger = stack.enter_context(helper_thread("judge", threads=judges))
        readings = prefetched(reader, read(chunks_of(file), campaign, survey.lines))
        needed = (
            reading for reading in readings if ranks is not None or reading.lines.number not in done
        )
        asked = prefetched(asker, ask(needed, campaign))
        judge_one = partial(judge_chunk, score_file.pk, rules=rules, ranks=ranks)
        all_judged = in_order(judger, judge_one, asked, at_once=judges + 1)
        undone = (judged for judged in all_judged if judged.number not in done)
        for drawn in prefetched(drawer, (_drawn(judged, campaign, cache) for judged in undone)):
            lease.check_stop()
            _write(score_file.pk, drawn, lease)


def read(chunks: Iterable[Lines], campaign: Campaign, most_fans: int) -> Iterator[Reading]:
    """A file's chunks from the first on, each fan with their reference, and whether they came
    before. [S-3, S-8]

    There are at most `most_fans` rows in all.
    """
    seen, salt = SeenFans(most_fans), bytes(campaign.salt or b"")
    for lines in chunks:
        ids = lines.rows["global_user_id"]
        has_fan = (ids != "").arg_true()
        refs = draw.fan_refs(salt, ids.gather(has_fan))
        if len(refs) < len(ids):
            refs = (
                pl.repeat(None, len(ids), dtype=pl.String, eager=True)
                .alias("fan_ref")
                .scatter(has_fan, refs)
            )
        yield Reading(lines, refs, seen.are_repeated(refs))


def ask(readings: Iterable[Reading], campaign: Campaign) -> Iterator[Asked]:
    """The same with what their fans said when they registered. [S-5, S-11]

    Who was erased has a score again once they register again: the rows of a score file are not what
    a fan did, and have no date of their own. [X-11]
    """
    for reading in readings:
        fans = reading.lines.rows["global_user_id"]
        known = registrants_of(campaign, fans, REGISTERED)
        are_erased = _are_erased(campaign, fans)
        yield Asked(reading.lines, reading.refs, reading.are_repeated, known, are_erased)


def _are_erased(campaign: Campaign, fans: pl.Series) -> pl.Series:
    """Whose newest registration is from before their erasure, also while that is not done yet."""
    at, named = erased_at(fans), are_tombstones(fans)
    if at.is_null().all():
        return named
    their = registrants_of(campaign, fans.filter(at.is_not_null()), CHANGED)
    changed = pl.from_epoch(their["changed_us"].cast(pl.Int64), time_unit="us")
    dated = their.with_columns(changed.dt.replace_time_zone("UTC").alias("changed_at"))
    frame = pl.DataFrame({"global_user_id": fans, "at": at})
    joined = frame.join(dated, on="global_user_id", how="left", maintain_order="left")
    is_again = (joined["changed_at"] > joined["at"]).fill_null(value=False)
    return (at.is_not_null() & ~is_again) | named


def judge_chunk(
    score_file_id: int, reading: Asked, rules: Rules, ranks: ContactRanks | None
) -> Judged:
    """Every row's outcome. Reads no table, writes nothing, draws nothing. [S-3 … S-7]"""
    rows = _with_registrants(reading.lines.rows.with_columns(reading.refs), reading.known)
    judged = judge_scores(
        rows, rules, duplicates=reading.are_repeated, erased=reading.are_erased, ranks=ranks
    )
    accepted = judged.filter(pl.col("reason").is_null())
    rejected = _without_erased(_rejected(reading, judged["reason"]))
    counts = {
        "rejected": tally(rejected["reason"]),
        "tagged": tally(accepted["tags"].explode()),
        "bands": tally(draw.band_of(accepted["raw_score"])),
    }
    number = pl.lit(score_file_id, dtype=pl.Int64).alias("score_file_id")
    return Judged(
        reading.lines.number,
        _stored(accepted).with_columns(number),
        rejected.with_columns(number),
        counts,
    )


def _rejected(reading: Asked, reasons: pl.Series) -> pl.DataFrame:
    """`line`, `global_user_id`, `fan_ref`, `is_erased`, `reason`, `raw` and what they are found by,
    of the malformed lines and of the rows with a reason.
    """
    lines = reading.lines
    malformed = pl.DataFrame({"line": lines.malformed}, schema={"line": pl.Int64}).select(
        "line",
        pl.lit("").alias("global_user_id"),
        pl.lit(Reason.MALFORMED_ROW.value).alias("reason"),
    )
    rows = lines.rows.with_columns(
        reasons, reading.refs.alias("fan_ref"), reading.are_erased.alias("is_erased")
    )
    rejected = rows.filter(pl.col("reason").is_not_null())
    found_by = search_forms("tmemail", "sms", "member_id")
    ours = ("line", "global_user_id", "fan_ref", "is_erased", "reason")
    both = pl.concat([malformed, rejected.select(*ours, *found_by)], how="diagonal").sort("line")
    return both.with_columns(lines.raws(both["line"]))


def _without_erased(rejected: pl.DataFrame) -> pl.DataFrame:
    """The rows of erased fans, also those that repeat one, with their reference and without what
    they say. [X-11]
    """
    is_erased = pl.col("is_erased").fill_null(value=False)
    return rejected.with_columns(
        pl.when(is_erased)
        .then(tombstones(pl.col("fan_ref"), number=0))
        .otherwise("global_user_id")
        .alias("global_user_id"),
        pl.when(is_erased).then(pl.lit("")).otherwise(pl.col("raw", *FOUND_BY)).name.keep(),
    ).drop("fan_ref", "is_erased")


def _stored(accepted: pl.DataFrame) -> pl.DataFrame:
    """Accepted rows as the table of scores has them, before the draw: text is never null."""
    texts = ("email", "phone", "phone_region")
    return accepted.rename({"id": "row_id", "confirmed": "phone_confirmed"}).with_columns(
        pl.col(texts).fill_null(""), pl.col("tags").list.join("|")
    )


def draw_rows(rows: pl.DataFrame, campaign: Campaign) -> pl.DataFrame:
    """Adds `fan_ref`, `band`, `band_score` and `luck`; the last two are null while a public value
    is awaited. [S-7, S-8]
    """
    if "fan_ref" not in rows.columns:
        rows = rows.with_columns(draw.fan_refs(bytes(campaign.salt or b""), rows["global_user_id"]))
    if campaign.draw_ready:
        return draw.draw_frame(rows, draw_of(campaign))
    nothing_yet = (
        pl.lit(None, dtype=pl.Float64).alias("band_score"),
        pl.lit(None, dtype=pl.Int64).alias("luck"),
    )
    return rows.with_columns(draw.band_of(rows["raw_score"]), *nothing_yet)


def _with_registrants(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Adds `preferences` (joined by |; null where the fan has not registered) and `confirmed`,
    with the `known_phone` it refers to. [S-5, S-10]
    """
    joined = rows.join(known, on="global_user_id", how="left", maintain_order="left")
    joined = joined.with_columns(pl.col("confirmed") == "t")
    if "phone_confirmed" in rows.columns:
        its_own = pl.lit(None, dtype=pl.String).alias("known_phone")
        return joined.with_columns(
            is_yes(pl.col("phone_confirmed")).alias("confirmed"), its_own
        ).drop("phone_confirmed")
    return joined.with_columns(
        pl.col("known_phone").fill_null(""), pl.col("confirmed").fill_null(value=False)
    )


def _drawn(judged: Judged, campaign: Campaign, cache: LocalCache) -> Judged:
    drawn = replace(judged, accepted=draw_rows(judged.accepted, campaign))
    # before the commit: a chunk that is done is there too
    cache.put(drawn.number, drawn.accepted, drawn.rejected)
    return drawn


def _write(score_file_id: int, judged: Judged, lease: Lease) -> None:
    """Rows, rejections, counts and progress of one chunk in one transaction, fenced by the
    attempt.
    """
    accepted, rejected = judged.accepted.height, judged.rejected.height
    with transaction.atomic():
        commit_without_waiting()  # a chunk that is lost is judged again, and VALIDATED waits
        lease.hold()
        with unhurried():
            tables.fill(score_file_id, judged.accepted)
            tables.fill_rejected(score_file_id, judged.rejected)
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
