"""VALIDATED → STREAMED: the draw where it waited, the records on the stream, the files people and
services read. [S-11, S-12]

Everything here may run again: batches on the stream have keys of their own, and files are written
whole and replace themselves. Whoever writes them, their bytes are the same: the rows do not change
any more, and a file that lacks some is not published. [O-6]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
from django.db import transaction

from campaigns import draw
from campaigns.errors import RowsMissing
from campaigns.formats import rejected_rows
from campaigns.formats.score_bytes import open_lines
from campaigns.models import ScoreFile
from campaigns.scoring import tables
from campaigns.scoring.judging import draw_rows
from campaigns.scoring.local_cache import PUBLISHED, LocalCache
from campaigns.scoring.outcomes import tag_lists
from datalake import records, streams
from datalake.choices import RecordType
from datalake.storage import buckets
from operations import instants
from operations.database.statements import commit_without_waiting
from operations.leases import Lease
from operations.models import Chunk
from operations.threads import helper_thread, prefetched

Batches = Sequence[tuple[str, streams.Payload]]

RECORDS_AT_A_TIME = 10 * streams.BATCH_RECORDS
FIRST_PREFERENCE = pl.col("preferences").fill_null("").str.splitn("|", 2).struct.field("field_0")
NO_ROWS = pl.DataFrame(schema={name: tables.SCHEMA[name] for name in PUBLISHED})


@dataclass(frozen=True)
class Published:
    """What went out: records on the stream and the position of the last batch (None where no row
    was accepted).
    """

    streamed: int
    position: int | None


def draw_waiting_rows(score_file: ScoreFile, lease: Lease) -> None:
    """Give rows that were judged before the public value was known their band scores, all or none.
    Raises LeaseLost. [S-8]
    """
    campaign = score_file.campaign
    if not campaign.entropy_source or not tables.has_rows_to_draw(score_file.pk):
        return
    drawn = (
        draw_rows(rows.drop("band", "band_score", "luck"), campaign)
        for rows in tables.rows_of(score_file.pk)
    )
    with transaction.atomic():
        tables.replace_with_drawn(score_file.pk, drawn)
        lease.hold()
    LocalCache.of(lease).clear()  # it holds the rows as they were


def judged_rows(score_file: ScoreFile, lease: Lease) -> LocalCache:
    """The outcome of every chunk on this machine's disk: as judged here, or fetched from
    PostgreSQL.
    """
    cache = LocalCache.of(lease)
    done = set(Chunk.objects.filter(job_id=lease.job_id).values_list("number", flat=True))
    if not done or not cache.holds(done):
        salt = bytes(score_file.campaign.salt or b"")
        accepted = tables.rows_of(score_file.pk)
        with_refs = (
            rows.with_columns(draw.fan_refs(salt, rows["global_user_id"])) for rows in accepted
        )
        cache.refill(with_refs, tables.rejected_rows_of(score_file.pk))
    return cache


def publish(score_file: ScoreFile, lease: Lease) -> Published:
    """Stream the accepted rows, and beside it write both files. Raises LeaseLost, JobStopped, and
    RowsMissing.
    """
    cache = judged_rows(score_file, lease)
    with helper_thread("files") as writer:
        written = writer.submit(_write_files, score_file, cache)
        published = _stream(score_file, cache, lease)
        written.result()
    _require_all(score_file, "accepted", published.streamed)
    return published


def _require_all(score_file: ScoreFile, which: str, found: int) -> None:
    expected = getattr(score_file, which)
    if found != expected:
        raise RowsMissing(
            f"Score file {score_file.pk} has {expected:,} {which} rows, but {found:,} were found."
            " Process it again."
        )


def _stream(score_file: ScoreFile, cache: LocalCache, lease: Lease) -> Published:
    """Put batches on the stream while the next ones are made."""
    streamed, position = 0, None
    with helper_thread("pack") as packer:
        for records, batches in prefetched(packer, _packed(score_file, cache)):
            lease.check_stop()
            position = _send(score_file, batches, lease)
            streamed += records
            lease.update(progress=score_file.rows_in + streamed)
    return Published(streamed, position)


def _packed(score_file: ScoreFile, cache: LocalCache) -> Iterator[tuple[int, Batches]]:
    """Records in batches of 2,500, some at a time: how many there are, and they. A repeat cuts and
    names the same ones.
    """
    done, held = 0, _scoring_records(score_file, NO_ROWS)
    for rows in cache.rows():
        held = pl.concat([held, _scoring_records(score_file, rows)])
        while held.height >= RECORDS_AT_A_TIME:
            yield _pack(score_file, done, held[:RECORDS_AT_A_TIME])
            done, held = done + RECORDS_AT_A_TIME, held[RECORDS_AT_A_TIME:]
    if held.height:
        yield _pack(score_file, done, held)


def _pack(score_file: ScoreFile, done: int, records: pl.DataFrame) -> tuple[int, Batches]:
    key = f"scorefile:{score_file.pk}:after-{done}"
    return records.height, streams.packed_frame(RecordType.SCORING, records, key=key)


def _send(score_file: ScoreFile, batches: Batches, lease: Lease) -> int:
    with transaction.atomic():
        commit_without_waiting()  # batches that are lost are sent again, and STREAMED waits
        lease.hold()
        return streams.publish_packed(score_file.stream, batches).position


def _write_files(score_file: ScoreFile, cache: LocalCache) -> None:
    with buckets.scoring().writer(score_file.scrubbed_key) as scrubbed:
        scrubbed.write(_scrubbed(NO_ROWS).write_csv().encode())
        written = 0
        for rows in cache.rows():
            scrubbed.write(_scrubbed(rows).write_csv(include_header=False).encode())
            written += rows.height
        _require_all(score_file, "accepted", written)
    _write_rejected(score_file, cache)


def _scoring_records(score_file: ScoreFile, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows → `scoring` records. Their date is the score file's, so that a repeat makes the same
    records. [S-11, T-5]
    """
    flat = rows.select(
        pl.lit(instants.stamp(score_file.created_at)).alias("created"),
        pl.lit(score_file.campaign.campaign_id).alias("campaignId"),
        pl.col("global_user_id").alias("globalUserId"),
        pl.col("member_id").alias("memberId"),
        FIRST_PREFERENCE.alias("marketId"),
        "email",
        "phone",
        tag_lists(rows["tags"]),
        pl.col("raw_score").alias("score"),
        "band_score",
    )
    return records.shape(RecordType.SCORING, flat, score_file_sha256=score_file.sha256)


def _scrubbed(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of the scrubbed file. [S-11]"""
    return rows.select(
        pl.col("row_id").alias("id"),
        "email",
        "phone",
        pl.col("global_user_id").alias("globalUserId"),
        pl.col("member_id").alias("memberId"),
        pl.col("raw_text").alias("score"),
        "band_score",
        "tags",
        FIRST_PREFERENCE.alias("marketId"),
    )


def _write_rejected(score_file: ScoreFile, cache: LocalCache) -> None:
    """The rejected rows with their original columns, and `line,reason`. [S-11]"""
    bucket = buckets.scoring()
    with bucket.open(score_file.key) as source:
        columns = open_lines(source)[0].columns
    with bucket.writer(score_file.rejected_key) as out:
        written = rejected_rows.write(out, columns, cache.rejected_rows())
        _require_all(score_file, "rejected", written)
