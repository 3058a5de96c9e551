"""The streams: publish and read batches of records, whatever engine keeps them. [T-1]

What is published is a row of the publisher's transaction, whatever the engine: what is rolled back
was never published, and nothing that is committed is lost. An engine is a module with the functions
of `Engine`; the setting STREAM_ENGINE chooses it. Delivery is at least once; what makes each record
take effect once is in consumers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol, cast

import polars as pl
from django.conf import settings

from datalake.choices import StreamName
from datalake.errors import UnknownStream
from datalake.records import require_record_frame, schema_of
from datalake.streams import rows
from datalake.streams.batches import (
    Batch,
    HandedOver,
    Payload,
    Published,
    Record,
    pack_frame,
    pack_records,
)
from datalake.streams.lineage import WHOLE, Shard
from datalake.streams.rows import BATCH_RECORDS

__all__ = [
    "BATCH_RECORDS",
    "WATCHERS",
    "Payload",
    "Published",
    "Record",
    "extent",
    "hand_over",
    "has_ended",
    "is_outside",
    "packed_frame",
    "publish",
    "publish_frame",
    "publish_packed",
    "reached",
    "read",
    "records_after",
    "shards",
]

# What apps above want to do when a batch of a stream was handed over to an engine outside the
# database, in the transaction that notes it: a consumer may have taken all of it already.
WATCHERS: list[Callable[[str], object]] = []

ENGINES = {
    "postgres": "datalake.streams.engines.postgres",
    "kinesis": "datalake.streams.engines.kinesis",
}


class Engine(Protocol):
    """What an engine must do. Positions grow within a shard from 1, and become visible to readers
    in their order. `OUTSIDE`: it keeps records outside the database.
    """

    OUTSIDE: bool

    def shards(self, stream: str) -> Sequence[Shard]: ...
    def read(self, stream: str, shard: str, first: int, last: int) -> list[Batch]: ...
    def extent(self, stream: str, shard: str, after: int, batches: int) -> int: ...
    def has_ended(self, stream: str, shard: str, position: int) -> bool: ...
    def reached(self, consumer: str, stream: str) -> int: ...

    def hand_over(self, stream: str, batches: int) -> HandedOver | None: ...


def _engine() -> Engine:
    return cast("Engine", import_module(ENGINES[settings.STREAM_ENGINE]))


def _engine_of(shard: str) -> Engine:
    """What has the shard: other than the engine that is set, where that was changed since."""
    return cast("Engine", import_module(ENGINES["kinesis"])) if shard else _engine()


def _known(stream: str) -> str:
    if stream not in StreamName.values:
        raise UnknownStream(
            f"Stream {stream!r} does not exist. Streams: {', '.join(StreamName.values)}."
        )
    return str(stream)


def publish(stream: str, records: Sequence[Record], *, key: str) -> Published:
    """Put records on the stream as batches of 2,500, in the caller's transaction. Publishing a key
    again changes nothing.

    `key` names these records for good, e.g. `wave:12345_20260120`; the batches are `key:0`,
    `key:1`, … Raises UnknownStream; TypeError for what JSON cannot say.
    """
    starts = range(0, len(records), BATCH_RECORDS)
    batches = [
        (f"{key}:{number}", pack_records(records[at : at + BATCH_RECORDS]))
        for number, at in enumerate(starts)
    ]
    return rows.publish(_known(stream), batches)


def publish_frame(stream: str, record_type: str, frame: pl.DataFrame, *, key: str) -> Published:
    """The same for a record frame (records.shape makes one): no record becomes a Python object.

    Raises InvalidFrame unless all of its rows are valid records; UnknownStream; UnknownRecordType.
    """
    return publish_packed(stream, packed_frame(record_type, frame, key=key))


def packed_frame(record_type: str, frame: pl.DataFrame, *, key: str) -> list[tuple[str, Payload]]:
    """The batches of `publish_frame` before they are published: the work that needs no database.
    Raises as it does.
    """
    require_record_frame(record_type, frame)
    schema = schema_of(record_type).name
    slices = frame.iter_slices(BATCH_RECORDS) if frame.height else ()
    return [(f"{key}:{number}", pack_frame(part, schema)) for number, part in enumerate(slices)]


def publish_packed(stream: str, batches: Sequence[tuple[str, Payload]]) -> Published:
    """Put packed batches on the stream, in the caller's transaction; those whose key is there
    already change nothing.
    """
    return rows.publish(_known(stream), batches)


def shards(stream: str) -> Sequence[Shard]:
    """The shards that the stream has now, those that were split or merged included while they hold
    records.
    """
    return _engine().shards(stream)


def read(stream: str, first: int, last: int, *, shard: str = WHOLE) -> list[Batch]:
    """The batches from position `first` to `last`; `first` follows a position that is known."""
    return _engine_of(shard).read(stream, shard, first, last)


def extent(stream: str, after: int, batches: int, *, shard: str = WHOLE) -> int:
    """The last position of at most so many batches after a position; that position itself if
    nothing follows.
    """
    return _engine().extent(stream, shard, after, batches)


def has_ended(stream: str, shard: str, position: int) -> bool:
    """Whether nothing will ever follow a position of the shard, of which `extent` found nothing."""
    return _engine().has_ended(stream, shard, position)


def reached(consumer: str, stream: str) -> int:
    """The last position that `publish` gave of which everything up to it took effect at the
    consumer; 0 = none.
    """
    return _engine().reached(consumer, stream)


def records_after(stream: str, position: int) -> int:
    """How many records were published after a position that `publish` gave: a consumer's lag."""
    return rows.records_after(stream, position)


def is_outside() -> bool:
    """Whether the engine keeps records outside the database, so that they must be handed over."""
    return _engine().OUTSIDE


def hand_over(stream: str, batches: int) -> HandedOver | None:
    """Hand at most so many published batches to the engine, where it keeps records outside the
    database. None where there is nothing to hand over.
    """
    return _engine().hand_over(stream, batches)
