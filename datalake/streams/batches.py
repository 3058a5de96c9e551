"""What travels on a stream: records, and batches of them packed into bytes. Pure.

A batch is columns of one record type (Arrow, lz4; 0.2 µs to pack a scoring record, 0.2 µs to
unpack), or a JSON array (zstd) of partition keys and records that may hold anything. Outside the
database records are single JSON texts, each with a partition key and a position of its own.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cramjam
import polars as pl

from datalake.choices import PayloadForm, RecordType
from operations.correlation import WELL_FORMED

# position of its batch, and its number there
Place = tuple[int, int]


class Record(NamedTuple):
    """A record and the key that decides its shard: records of one key keep their order. [T-1]"""

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
class Texts:
    """Records as JSON texts, whoever wrote them, and the position of each in its shard."""

    texts: Sequence[bytes]
    positions: Sequence[int]
    schema: str = ""

    @property
    def records(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Batch:
    """A packed batch at its position in a stream, and the correlation id under which it was
    published; or some records that follow each other there, each of which has its own.
    """

    stream: str
    position: int
    payload: Payload | Texts
    correlation_id: str = ""

    def places(self) -> Iterator[Place]:
        """Where each of its records is."""
        if isinstance(self.payload, Texts):
            return ((position, 0) for position in self.payload.positions)
        return ((self.position, number) for number in range(self.payload.records))

    def numbers(self, places: frozenset[Place]) -> frozenset[int]:
        """Which of its records are in these places."""
        if not places:
            return frozenset()
        return frozenset(number for number, at in enumerate(self.places()) if at in places)


@dataclass(frozen=True)
class Published:
    """What publishing did: newest position of these batches, and how many of them stood on the
    stream already.
    """

    position: int
    batches: int
    repeated: int


@dataclass(frozen=True)
class HandedOver:
    """Records of published batches that an engine outside the database has now, and those that it
    cannot take, which are dead letters.
    """

    records: int
    refused: int


def pack_records(records: Sequence[Record]) -> Payload:
    """One JSON array (a call per record costs half of the speed); non-ASCII escaped, so that
    anything JSON can say survives.
    """
    text = json.dumps(records, separators=(",", ":"))
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


def unpack_records(payload: Payload | Texts) -> list[Any]:
    """The records of a batch of any form, as JSON values; a text that is no JSON is a string."""
    if isinstance(payload, Texts):
        return [_parsed(text) for text in payload.texts]
    if payload.form == PayloadForm.FRAME:
        return unpack_frame(payload).to_dicts()
    return [record for _, record in _pairs(payload)]


def keyed_texts(payload: Payload, correlation_id: str) -> Iterable[tuple[str, bytes]]:
    """Partition key and JSON text of each record of a packed batch, the correlation id in it. The
    key of a frame's records is the code, or else the fan. [O-4, T-1, T-2]
    """
    published_under = {"correlationId": correlation_id} if correlation_id else {}
    if payload.form != PayloadForm.FRAME:
        for key, record in _pairs(payload):
            whole = published_under | record if isinstance(record, dict) else record
            yield key or key_of(record), json.dumps(whole, separators=(",", ":")).encode()
        return
    frame = unpack_frame(payload)
    whole = frame.with_columns(pl.lit(value).alias(name) for name, value in published_under.items())
    texts = whole.select(pl.struct(pl.all()).struct.json_encode()).to_series()
    for key, text in zip(frame[_key_column(payload.schema)], texts, strict=True):
        yield key, text.encode()


def correlation_of(record: Any) -> str:
    """The correlation id that a record carries itself; empty where it is none of ours. [O-4]"""
    found = record.get("correlationId") if isinstance(record, dict) else None
    return found if isinstance(found, str) and WELL_FORMED.fullmatch(found) else ""


def key_of(record: Any) -> str:
    """The partition key of a record that came without one: its code, or else its fan. [T-1, T-2]"""
    if not isinstance(record, dict):
        return ""
    found = record.get(_key_column(str(record.get("type"))))
    return found if isinstance(found, str) else ""


def _key_column(record_type: str) -> str:
    assigned = record_type.partition(".")[0] == RecordType.CODE_ASSIGNMENT
    return "code" if assigned else "globalUserId"


def _pairs(payload: Payload) -> list[tuple[str, Any]]:
    return [(key, data) for key, data in json.loads(bytes(cramjam.zstd.decompress(payload.data)))]


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.decode(errors="backslashreplace")
