"""The streams: publish and read batches of records, whatever engine keeps them. [T-1]

An engine is a module with the functions of `Engine`; the setting STREAM_ENGINE chooses it. Delivery
is at least once; what makes each record take effect once is in consumers.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

import polars as pl
from django.conf import settings

from datalake.choices import StreamName
from datalake.errors import UnknownStream
from datalake.records import require_record_frame, schema_of
from datalake.streams.batches import Batch, Payload, Published, Record, pack_frame, pack_records

__all__ = [
    "BATCH_RECORDS",
    "Payload",
    "Published",
    "Record",
    "extent",
    "packed_frame",
    "publish",
    "publish_frame",
    "publish_packed",
    "read",
    "records_after",
]

BATCH_RECORDS = 2_500
ENGINES = {"postgres": "datalake.streams.engines.postgres"}


class Engine(Protocol):
    """What an engine must do. Positions count batches from 1, and become visible to readers in
    their order.
    """

    def publish(self, stream: str, batches: Sequence[tuple[str, Payload]]) -> Published: ...
    def read(self, stream: str, first: int, last: int) -> list[Batch]: ...
    def extent(self, stream: str, after: int, batches: int) -> int: ...
    def records_after(self, stream: str, position: int) -> int: ...


def _engine() -> Engine:
    return cast("Engine", import_module(ENGINES[settings.STREAM_ENGINE]))


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
    return _engine().publish(_known(stream), batches)


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
    return _engine().publish(_known(stream), batches)


def read(stream: str, first: int, last: int) -> list[Batch]:
    """The batches from position `first` to `last`."""
    return _engine().read(stream, first, last)


def extent(stream: str, after: int, batches: int) -> int:
    """The last position of at most so many batches after a position; that position itself if
    nothing follows.
    """
    return _engine().extent(stream, after, batches)


def records_after(stream: str, position: int) -> int:
    """How many records follow a position: a consumer's lag."""
    return _engine().records_after(stream, position)
