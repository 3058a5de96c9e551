"""VALIDATED → STREAMED: the draw where it waited, the records on the stream, the files people and services read. [S-11, S-12]

Everything here may run again: batches on the stream have keys of their own, files are written whole and replace themselves.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl
from django.db import transaction

from campaigns import draw, scoretables
from campaigns.duplicates import open_lines
from campaigns.judging import draw_rows
from campaigns.models import RejectedRow, ScoreFile
from campaigns.scorelines import fields_of
from datalake import records, storage, streams
from datalake.choices import RecordType, StreamName
from operations.jobs import Lease
from operations.threads import helper_thread

REJECTED_AT_A_TIME = 20_000


@dataclass(frozen=True)
class Published:
    """What went out: records on the stream and the position of the last batch (None where no row was accepted)."""

    streamed: int
    position: int | None


def draw_waiting_rows(score_file: ScoreFile) -> None:
    """Give rows that were judged before the public value was known their band scores, all or nothing. [S-8]"""
    campaign = score_file.campaign
    frames = scoretables.rows_of(score_file.pk)
    first = next(frames, None)
    if first is None or first["luck"].null_count() == 0:
        frames.close()
        return
    drawn = (draw_rows(rows.drop("band", "band_score", "luck"), campaign) for rows in _and_then(first, frames))
    scoretables.replace_with_drawn(score_file.pk, drawn)


def _and_then(first: pl.DataFrame, rest: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    yield first
    yield from rest


def publish(score_file: ScoreFile, lease: Lease) -> Published:
    """Stream the accepted rows and write both files, while the table is being indexed by the other core. Raises LeaseLost."""
    with helper_thread("index") as indexer:
        indexed = indexer.submit(_index, score_file.pk)
        published = _write_scrubbed_and_stream(score_file, lease)
        _write_rejected(score_file)
        indexed.result()
    return published


def _index(score_file_id: int) -> None:
    if not scoretables.is_attached(score_file_id):
        scoretables.index(score_file_id)


def _write_scrubbed_and_stream(score_file: ScoreFile, lease: Lease) -> Published:
    streamed, position, held = 0, None, _scoring_records(score_file, pl.DataFrame(schema=scoretables.SCHEMA))
    with storage.scoring().writer(score_file.scrubbed_key) as scrubbed, closing(scoretables.rows_of(score_file.pk)) as frames:
        scrubbed.write(_scrubbed(pl.DataFrame(schema=scoretables.SCHEMA)).write_csv().encode())
        for frame in frames:
            lease.check_stop()
            scrubbed.write(_scrubbed(frame).write_csv(include_header=False).encode())
            held = pl.concat([held, _scoring_records(score_file, frame)])
            whole = held.height - held.height % streams.BATCH_RECORDS
            position = _send(score_file, streamed, held[:whole]) or position
            streamed, held = streamed + whole, held[whole:]
            lease.update(progress=score_file.rows_in + streamed)
        position = _send(score_file, streamed, held) or position
    return Published(streamed + held.height, position)


def _send(score_file: ScoreFile, sent: int, frame: pl.DataFrame) -> int | None:
    """Put records on the stream in batches of 2,500. A repeat cuts and names the same batches, which changes nothing."""
    if not frame.height:
        return None
    with transaction.atomic():
        key = f"scorefile:{score_file.pk}:after-{sent}"
        return streams.publish_frame(StreamName.SCORED, RecordType.SCORING, frame, key=key).position


def _scoring_records(score_file: ScoreFile, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows → `scoring` records. Their date is the score file's, so that a repeat makes the same records. [S-11, T-5]"""
    flat = rows.select(
        pl.lit(records.format_instant(score_file.created_at)).alias("created"),
        pl.lit(score_file.campaign.campaign_id).alias("campaignId"),
        pl.col("global_user_id").alias("globalUserId"),
        pl.col("member_id").alias("memberId"),
        pl.col("market_id").alias("marketId"),
        "email",
        "phone",
        pl.col("tags").str.split("|").list.filter(pl.element() != ""),
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
        pl.col("market_id").alias("marketId"),
    )


def _write_rejected(score_file: ScoreFile) -> None:
    """The rejected rows with their original columns, and `line,reason`. [S-11]"""
    bucket = storage.scoring()
    with bucket.open(score_file.key) as source:
        columns = open_lines(source)[0].columns
    with bucket.writer(score_file.rejected_key) as out:
        _write_csv(out, [[*columns, "line", "reason"]])
        last = 0
        rejected = RejectedRow.objects.filter(score_file=score_file).order_by("line").values_list("line", "reason", "raw")
        while page := list(rejected.filter(line__gt=last)[:REJECTED_AT_A_TIME]):
            _write_csv(out, [[*fields_of(raw, len(columns)), line, reason] for line, reason, raw in page])
            last = page[-1][0]


def _write_csv(out: BinaryIO, rows: Sequence[Sequence[str | int]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    out.write(text.getvalue().encode())


def roster_digest(score_file: ScoreFile) -> str:
    """S-10's digest over the accepted rows, in flat memory: sorted pieces of each frame are merged. [S-10]"""
    salt = bytes(score_file.campaign.salt or b"")
    chunks = [
        draw.roster_chunk(draw.fan_refs(salt, rows["global_user_id"].to_list()), rows["raw_text"].to_list())
        for rows in scoretables.rows_of(score_file.pk)
    ]
    return draw.roster_digest_of_chunks(chunks)
