"""Records from the stream to the lake, and a day's files merged into one, beside fastavro's writer
and a copy of the files.
"""

from __future__ import annotations

import io
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import fastavro
import polars as pl

from benchmarks.figures import Figure
from datalake import merge, records, save, streams
from datalake.choices import RecordType, StreamName
from datalake.layout import Period
from datalake.models import LakeFile
from datalake.schemas import SCHEMAS
from datalake.storage import buckets
from operations import instants

ROWS = 500_000
FILES = 50
PEER_ROWS = 100_000
DAY = Period(2026, 1, 2)


def run(rows: int | None) -> list[Figure]:
    count = rows or ROWS
    each = count // FILES
    for number in range(FILES):
        streams.publish_frame(
            StreamName.INPUT,
            RecordType.REGISTRATION,
            _frame(number * each, each),
            key=f"bench:{number}",
        )
    started = time.monotonic()
    batches = -(-each // streams.BATCH_RECORDS)
    while save.save(StreamName.INPUT, batches):
        pass
    saving = time.monotonic() - started
    peer = _fastavro(min(PEER_ROWS, count)) * count / min(PEER_ROWS, count)
    keys = list(
        LakeFile.objects.filter(record_type=RecordType.REGISTRATION).values_list("key", flat=True)
    )
    copying = _copy(keys)
    started = time.monotonic()
    done = merge.merge_period(RecordType.REGISTRATION, DAY)
    merging = time.monotonic() - started
    note = (
        f"{done.files} files, {done.bytes_before / 1e6:,.0f} MB,"
        f" {done.bytes_before / merging / 1e6:,.0f} MB a second"
    )
    return [
        Figure("stream to lake", count, saving, "fastavro's bare writer", peer, 1 / 0.8),
        Figure(
            "records merged",
            done.records_out,
            merging,
            "copying the same files, synced",
            copying,
            1 / 0.5,
            note,
        ),
    ]


def _frame(first: int, count: int) -> pl.DataFrame:
    numbers = pl.int_range(first, first + count, eager=True)
    flat = pl.DataFrame({"number": numbers}).select(
        pl.lit(instants.stamp(datetime(2026, 1, 2, 12, tzinfo=UTC))).alias("created"),
        pl.lit("bench").alias("campaignId"),
        pl.format("fan-{}", "number").alias("globalUserId"),
        pl.format("mem-{}", "number").alias("memberId"),
        pl.lit("us-west").alias("marketId"),
        pl.format("fan{}@example.com", "number").alias("email"),
        pl.format("+1206{}", (pl.col("number") + 1_000_000).cast(pl.String)).alias("phone"),
        pl.lit(["unconfirmed_phone"]).alias("tags"),
    )
    return records.shape(RecordType.REGISTRATION, flat)


def _fastavro(count: int) -> float:
    """Seconds of fastavro's writer for such records as dicts, ready in memory."""
    prepared = _frame(0, count).to_dicts()
    schema = fastavro.parse_schema(dict(SCHEMAS[RecordType.REGISTRATION].avro))
    started = time.monotonic()
    fastavro.writer(io.BytesIO(), schema, prepared, codec="snappy")
    return time.monotonic() - started


def _copy(keys: list[str]) -> float:
    """Seconds of copying the files into one, on disk for good."""
    bucket = buckets.campaign_data()
    target = Path(bucket.url_or_path(keys[0])).with_name("bench-copy")
    started = time.monotonic()
    with target.open("wb") as out:
        for key in keys:
            with bucket.open(key) as source:
                shutil.copyfileobj(source, out, 1024 * 1024)
        out.flush()
        os.fsync(out.fileno())
    seconds = time.monotonic() - started
    target.unlink()
    return seconds
