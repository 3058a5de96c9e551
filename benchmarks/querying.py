"""Count and group-by in SQL over merged records, beside the same records in 500 files and beside
reading the merged file with polars; on disk, and on S3 with 20 ms a request. [L-8]
"""

from __future__ import annotations

import time
from pathlib import Path

import polars as pl

from benchmarks.figures import Figure
from benchmarks.merging import DAY, _frame
from benchmarks.support.slow_bucket import lake_on_s3
from datalake import save, streams
from datalake.choices import RecordType, StreamName
from datalake.merging import merge
from datalake.models import LakeFile
from datalake.query import local
from datalake.query.process import Limits
from datalake.storage import buckets

ROWS = 5_000_000
FILES = 500
LATENCY_MS = 20
SQL = "SELECT marketId, count(*) FROM registration GROUP BY marketId"
LIMITS = Limits(seconds=3_600, rows=1_000, memory_bytes=2 << 30)


def run(rows: int | None) -> list[Figure]:
    count = rows or ROWS
    each = count // FILES
    _fill(each)
    folder = Path(buckets.campaign_data().url_or_path("avro")).parent
    fragments = _query(each * FILES)
    with lake_on_s3(folder, milliseconds=LATENCY_MS):
        fragments_on_s3 = _query(each * FILES)
    merge.merge_period(RecordType.REGISTRATION, DAY)
    merged = _query(each * FILES)
    with lake_on_s3(folder, milliseconds=LATENCY_MS):
        merged_on_s3 = _query(each * FILES)
    reading = _polars(each * FILES)
    on_s3 = f"{FILES} files, {LATENCY_MS} ms a request"
    return [
        Figure("merged records in SQL", count, merged, f"{FILES} files", fragments, 1.0),
        Figure("merged records in SQL", count, merged, "polars reading the file", reading, 3.0),
        Figure("merged records in SQL on S3", count, merged_on_s3, on_s3, fragments_on_s3, 1 / 5),
    ]


def _fill(each: int) -> None:
    batches = -(-each // streams.BATCH_RECORDS)
    for number in range(FILES):
        frame = _frame(number * each, each).with_columns(
            pl.format("market-{}", pl.int_range(pl.len()) % 40).alias("marketId")
        )
        streams.publish_frame(
            StreamName.INPUT, RecordType.REGISTRATION, frame, key=f"bench:{number}"
        )
        while save.save(StreamName.INPUT, batches):
            pass


def _query(count: int) -> float:
    started = time.monotonic()
    answer = local.run(SQL, within=LIMITS)
    seconds = time.monotonic() - started
    if sum(row[1] for row in answer.rows) != count:
        raise AssertionError(f"{answer.rows[:3]} are not {count:,} records.")
    return seconds


def _polars(count: int) -> float:
    """Seconds of the same question to the merged file by `read_avro`, with the columns it needs."""
    key = LakeFile.objects.get(record_type=RecordType.REGISTRATION, state="merged").key
    started = time.monotonic()
    frame = pl.read_avro(buckets.campaign_data().url_or_path(key), columns=["marketId"])
    found = frame.group_by("marketId").len()
    seconds = time.monotonic() - started
    if found["len"].sum() != count:
        raise AssertionError("polars found other records.")
    return seconds
