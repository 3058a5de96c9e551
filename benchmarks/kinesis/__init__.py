"""The engine of streams on Kinesis beside boto3's bare loop on the same records and the same
server: moto's, in a process of its own. Amazon's own speed is not measured.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any

import boto3
import polars as pl
from django.conf import settings

from benchmarks.figures import Figure
from datalake import records, streams
from datalake.choices import RecordType, StreamName
from datalake.streams import consumers
from datalake.streams.batches import keyed_texts, unpack_records
from operations import instants
from sandbox import amazon

ROWS = 50_000
AT_ONCE = 10 * streams.BATCH_RECORDS
SHARDS = 2
SHARE_OF_BARE_LOOP = 0.7


def run(rows: int | None) -> list[Figure]:
    count = rows or ROWS
    with amazon.running() as environment:
        os.environ |= environment
        settings.AWS_ENDPOINT_URL = environment["AWS_ENDPOINT_URL"]
        settings.STREAM_ENGINE = "kinesis"
        client = boto3.client("kinesis", endpoint_url=settings.AWS_ENDPOINT_URL)
        made = set(client.list_streams()["StreamNames"])
        names = [f"fairwave-{stream}" for stream in StreamName.values]
        for name in {*names, "bare-1", "bare-2"} - made:
            client.create_stream(StreamName=name, ShardCount=SHARDS)
        bare = _bare_loop(client, "bare-1", count)
        engine = _engine(count)
        bare = (bare + _bare_loop(client, "bare-2", count)) / 2
        consumed = _consumed(count)
    return [
        Figure(
            "engine on Kinesis: published, handed over and read",
            count,
            engine,
            "a bare put_records and get_records loop",
            bare,
            1 / SHARE_OF_BARE_LOOP,
        ),
        Figure(
            "the same with a consumer: judged, known by identity, position committed",
            count,
            consumed,
            "a bare put_records and get_records loop",
            bare,
        ),
    ]


def _engine(count: int) -> float:
    started = time.monotonic()
    _publish(StreamName.INPUT, count)
    while streams.hand_over(StreamName.INPUT, consumers.BATCHES):
        pass
    found = sum(_read(shard.id) for shard in streams.shards(StreamName.INPUT))
    taken = time.monotonic() - started
    assert found == count
    return taken


def _read(shard: str) -> int:
    position = found = 0
    while True:
        last = streams.extent(StreamName.INPUT, position, consumers.BATCHES, shard=shard)
        if last == position:
            return found
        for batch in streams.read(StreamName.INPUT, position + 1, last, shard=shard):
            found += len(unpack_records(batch.payload))
        position = last


def _consumed(count: int) -> float:
    """On another stream, by a consumer that does nothing with the records."""
    stream = StreamName.SAVE_SELECTION
    started = time.monotonic()
    _publish(stream, count)
    while streams.hand_over(stream, consumers.BATCHES):
        pass
    types = {RecordType.REGISTRATION}
    for shard in streams.shards(stream):
        while consumers.take("bench", stream, lambda given: {}, types=types, shard=shard.id):
            pass
    return time.monotonic() - started


def _publish(stream: str, count: int) -> None:
    for first in range(0, count, AT_ONCE):
        frame = _frame(first, min(AT_ONCE, count - first))
        streams.publish_frame(stream, RecordType.REGISTRATION, frame, key=f"bench:{first}")


def _bare_loop(client: Any, name: str, count: int) -> float:
    """The records are made before; what comes back is counted."""
    frames = (_frame(first, min(AT_ONCE, count - first)) for first in range(0, count, AT_ONCE))
    packed = [
        pair
        for number, frame in enumerate(frames)
        for _, payload in streams.packed_frame(RecordType.REGISTRATION, frame, key=str(number))
        for pair in keyed_texts(payload, "bench")
    ]
    started = time.monotonic()
    for first in range(0, count, 500):
        some = [{"PartitionKey": key, "Data": text} for key, text in packed[first : first + 500]]
        client.put_records(StreamName=name, Records=some)
    for shard in client.list_shards(StreamName=name)["Shards"]:
        iterator = client.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while (answer := client.get_records(ShardIterator=iterator, Limit=10_000))["Records"]:
            iterator = answer["NextShardIterator"]
    return time.monotonic() - started


def _frame(first: int, rows: int) -> pl.DataFrame:
    numbers = range(first, first + rows)
    flat = pl.DataFrame(
        {
            "created": [instants.stamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))] * rows,
            "campaignId": ["bench"] * rows,
            "globalUserId": [f"fan-{number}" for number in numbers],
            "marketId": ["us-west"] * rows,
            "email": [f"fan{number}@example.com" for number in numbers],
            "phone": [f"+1206{number:07}" for number in numbers],
            "tags": [[]] * rows,
        },
        schema_overrides={"tags": pl.List(pl.String)},
    )
    return records.shape(RecordType.REGISTRATION, flat)
