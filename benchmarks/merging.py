"""A backlog of records from the stream to the lake, and a day's files merged into one, each by a
worker of its own: beside fastavro's writer, a copy of the files, and fastavro reading and writing
them. [L-2, L-3, L-6]
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import fastavro
import polars as pl

from benchmarks.figures import Bound, Figure
from benchmarks.support.worker import AS_SERVED
from datalake import catalogue, layout, records, streams
from datalake.catalogue import NewFile
from datalake.choices import RecordType, StreamName
from datalake.layout import Period
from datalake.models import LakeFile
from datalake.schemas import SCHEMAS
from datalake.storage import buckets
from operations import instants

ROWS = 2_000_000
FILES = 100
PEER_ROWS = 100_000
DAY, LARGE_DAY = Period(2026, 1, 2), Period(2026, 1, 3)
LARGE_BYTES = 1_150_000_000  # a merge takes 1.2 GB at most
MOST_MIB = 300
MOST_GROWTH = 1.1  # of the peak with a quarter of the backlog
OF_FASTAVROS_WRITER, OF_COPYING, OF_DECODING = 0.9, 0.5, 100.0


def run(rows: int | None) -> list[Figure | Bound]:
    count = rows or ROWS
    each = count // FILES
    for number in range(FILES):
        frame = _frame(number * each, each)
        key = f"bench:{number}"
        streams.publish_frame(StreamName.INPUT, RecordType.REGISTRATION, frame, key=key)
    writing, reading = _fastavro(min(PEER_ROWS, count))
    drained = _worker("drain", str(-(-each // streams.BATCH_RECORDS)))
    files = list(LakeFile.objects.filter(record_type=RecordType.REGISTRATION).order_by("pk"))
    copying = _copy([file.key for file in files])
    merged = _worker("merge", str(DAY))
    _make_large_day(files, LARGE_BYTES if count >= ROWS else 4 * merged["bytes"])
    large = _worker("merge", str(LARGE_DAY))
    growth = drained["peak_bytes"] / drained["base_bytes"]
    note = (
        f"{merged['files']} files, {merged['bytes'] / 1e6:,.0f} MB,"
        f" {merged['bytes'] / merged['seconds'] / 1e6:,.0f} MB a second"
    )
    return [
        Figure(
            "stream to lake",
            count,
            drained["seconds"],
            "fastavro's bare writer",
            writing * count,
            1 / OF_FASTAVROS_WRITER,
        ),
        Bound(
            "its memory beside that with a quarter of the backlog",
            growth,
            "times",
            at_most=MOST_GROWTH,
            note=f"{drained['peak_bytes'] / 2**20:,.0f} MiB",
        ),
        Figure(
            "records merged",
            merged["records"],
            merged["seconds"],
            "copying the same files, synced",
            copying,
            1 / OF_COPYING,
            note,
        ),
        Figure(
            "the same merge",
            merged["records"],
            merged["seconds"],
            "decoding and encoding with fastavro",
            reading * count,
            1 / OF_DECODING,
        ),
        Bound(
            "peak memory of a merge",
            large["peak_bytes"] / 2**20,
            "MiB",
            at_most=MOST_MIB,
            note=f"{large['files']} files, {large['bytes'] / 1e9:.2f} GB",
        ),
    ]


def _worker(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.support.lake_worker", *arguments]
    given = AS_SERVED | os.environ
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=given)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def _make_large_day(files: list[LakeFile], most_bytes: int) -> None:
    """The same files again and again, as those of another day."""
    bucket, size, made = buckets.campaign_data(), 0, list[NewFile]()
    while True:
        for file in files:
            size += file.bytes
            if size > most_bytes:
                catalogue.enter_delivered(made)
                return
            key = layout.loose_key(file.record_type, LARGE_DAY, uuid4())
            with bucket.open(file.key) as source:
                bucket.put(key, source)
            about = (key, file.record_type, LARGE_DAY, file.schema, file.records, file.bytes)
            made.append(NewFile(*about, int(file.content_hash, 16), file.sha256))


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


def _fastavro(count: int) -> tuple[float, float]:
    """Seconds a record of fastavro's writer for such records as dicts, ready in memory, and of
    reading and writing a file of them.
    """
    prepared = _frame(0, count).to_dicts()
    schema = fastavro.parse_schema(dict(SCHEMAS[RecordType.REGISTRATION].avro))
    started, written = time.monotonic(), io.BytesIO()
    fastavro.writer(written, schema, prepared, codec="snappy")
    writing = time.monotonic() - started
    written.seek(0)
    started = time.monotonic()
    fastavro.writer(io.BytesIO(), schema, list(fastavro.reader(written)), codec="snappy")
    return writing / count, (time.monotonic() - started) / count


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
