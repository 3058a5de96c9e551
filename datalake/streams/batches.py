"""What travels on a stream: records, and batches of them packed into bytes. Pure.

A batch is columns of one record type (Arrow, lz4; 0.2 µs to pack a scoring record, 0.2 µs to
unpack) or a JSON array (zstd) that may hold anything.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cramjam
import polars as pl

from datalake.choices import PayloadForm


class Record(NamedTuple):
    """A record and the key that decides its shard. The PostgreSQL engine keeps one order for all
    and ignores the key.
    """

    partition_key: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Payload:
    """A packed batch; `schema` is the name of a frame's schema, empty for JSON."""

    form: PayloadForm
    schema: str
    records: int
    data: bytes


@dataclass(frozen=True)
class Batch:
    """A packed batch at its position in a stream, and the correlation id under which it was
    published.
    """

    stream: str
    position: int
    payload: Payload
    correlation_id: str = ""


@dataclass(frozen=True)
class Published:
    """What publishing did: newest position of these batches, and how many of them stood on the
    stream already.
    """

    position: int
    batches: int
    repeated: int


def pack_records(records: Sequence[Record]) -> Payload:
    """One JSON array (a call per record costs half of the speed); non-ASCII escaped, so that
    anything JSON can say survives.
    """
    text = json.dumps([record.data for record in records], separators=(",", ":"))
    return Payload(
        PayloadForm.JSON, "", len(records), bytes(cramjam.zstd.compress(text.encode(), 1))
    )


def pack_frame(frame: pl.DataFrame, schema: str) -> Payload:
    """Columns of a record frame.

    Strings are written with offsets, the older layout. The newer one refers to buffers that a slice
    shares with the frame it was cut from, and writes all of them: 1,390 bytes a record instead of
    230 before compression, three times as long to read.
    """
    packed = io.BytesIO()
    frame.write_ipc_stream(packed, compression="lz4", compat_level=pl.CompatLevel.oldest())
    return Payload(PayloadForm.FRAME, schema, frame.height, packed.getvalue())


def unpack_frame(payload: Payload) -> pl.DataFrame:
    return pl.read_ipc_stream(io.BytesIO(payload.data))


def unpack_records(payload: Payload) -> list[Any]:
    """The records of a batch of either form, as JSON values."""
    if payload.form == PayloadForm.FRAME:
        return unpack_frame(payload).to_dicts()
    return list(json.loads(bytes(cramjam.zstd.decompress(payload.data))))
