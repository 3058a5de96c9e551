"""Workers that read a stream, and what they leave behind."""

from __future__ import annotations

import threading

from datalake.aws.kinesis import KinesisStream
from demand.models import Batch
from demand.sources import kinesis_stream, shards
from demand.sources.kinesis_stream import Consumed
from operations.models import Alert
from tests.support import kinesis


def opened(stream: kinesis.Stream) -> KinesisStream:
    return KinesisStream(kinesis.STREAM, endpoint=stream.address)


def once(stream: kinesis.Stream, *, limit: int = 1_000) -> Consumed:
    """A worker that has just begun, until the stream is read to its end."""
    return kinesis_stream.consume(opened(stream), stop=threading.Event(), once=True, limit=limit)


def alerts() -> str:
    return "\n".join(Alert.objects.values_list("text", flat=True))


def claimed(stream: kinesis.Stream, *, limit: int = 1_000) -> Batch:
    """A batch whose worker died as soon as it was claimed."""
    (row,) = shards.readable(kinesis.STREAM)
    door = opened(stream)
    batch = shards.take(row, door.read(door.from_instant(row.shard_id, row.since), limit=limit))
    assert batch is not None
    return batch
