"""An Avro file of ours without one fan: the blocks of others are copied as they are, those with
records of the fan are written anew. Two readings, and never more than a block in memory. [X-11]
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from datalake.avro import container
from datalake.avro.block_codecs import pack, unpack
from datalake.avro.columns import MODULUS, content_hash, varint
from datalake.avro.container import Header, Summary
from datalake.avro.decoding import RecordDecoder
from datalake.erased.records import FAN, IDENTITY
from datalake.schemas import Field, Kind, Schema, read_schema

Forget = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass
class Day:
    """Records of the fan of one UTC day, and the sums of their hashes before and after."""

    records: int = 0
    before: int = 0
    after: int = 0


@dataclass
class Change:
    """What an erasure changes in a file: by day, and the identities of records before and after."""

    summary: Summary
    days: dict[str, Day] = field(default_factory=lambda: defaultdict(Day))
    identities: list[tuple[str, str]] = field(default_factory=list)

    @property
    def records(self) -> int:
        return sum(day.records for day in self.days.values())


def find_change(source: BinaryIO, fan_id: str, forget: Forget) -> Change | None:
    """What changes in a file of ours; None where it holds no record of the fan. Raises NotAvro."""
    header = container.read_header(source)
    schema = _schema_of(header)
    before = header.summary or Summary(0, 0)
    change = Change(before)
    for count, _, data in _blocks(source, header, fan_id):
        for old, record, new in _records(schema, data, count, fan_id, forget):
            if new is not None and new != old:
                day = change.days[record["date"]["created"][:10]]
                day.records += 1
                day.before = (day.before + content_hash([old])) % MODULUS
                day.after = (day.after + content_hash([new])) % MODULUS
                change.identities.append((record[IDENTITY], forget(record)[IDENTITY]))
    if not change.days:
        return None
    moved = sum(day.after - day.before for day in change.days.values())
    change.summary = Summary(before.records, (before.content_hash + moved) % MODULUS)
    return change


def write_without(
    out: BinaryIO, source: BinaryIO, fan_id: str, forget: Forget, summary: Summary, *, name: str
) -> None:
    """Write the file anew, with this summary, under `name`. Raises NotAvro."""
    header = container.read_header(source)
    schema = _schema_of(header)
    sync = container.sync_marker(name, summary)
    out.write(container.header_bytes(schema, summary, sync))
    for count, packed, data in _blocks(source, header, fan_id):
        if data:
            parts = (
                old if new is None else new
                for old, _, new in _records(schema, data, count, fan_id, forget)
            )
            packed = pack(b"".join(parts))
        out.write(varint(count) + varint(len(packed)) + packed + sync)


def _schema_of(header: Header) -> Schema:
    ours = header.as_schema
    return read_schema(ours.record_type, ours.version, header.schema)


def _blocks(source: BinaryIO, header: Header, fan_id: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Each block's count and bytes as packed, and unpacked only where it has the id in it."""
    needle = fan_id.encode()
    for count, packed in container.raw_blocks(source, header.sync):
        data = unpack(header.codec, packed, most_bytes=container.BOUNDS.most_bytes)
        yield count, packed, data if needle in data else b""


def _records(
    schema: Schema, data: bytes, count: int, fan_id: str, forget: Forget
) -> Iterator[tuple[bytes, dict[str, Any], bytes | None]]:
    """Each record's bytes, the record, and its new bytes where it is the fan's."""
    if not data:
        return
    for record, old in RecordDecoder(schema.avro).records(data, count):
        is_ours = record.get(FAN) == fan_id
        yield old, record, _encoded(schema, forget(record)) if is_ours else None


def _encoded(schema: Schema, record: Mapping[str, Any]) -> bytes:
    return b"".join(_field(each, record[each.name]) for each in schema.fields)


def _field(declared: Field, value: Any) -> bytes:
    match declared.kind:
        case Kind.DATE:
            return _text(value["created"])
        case Kind.DOUBLE:
            return struct.pack("<d", value)
        case Kind.STRINGS:
            texts = b"".join(map(_text, value))
            return varint(len(value)) + texts + b"\x00" if value else b"\x00"
        case Kind.STRING:
            if not declared.nullable:
                return _text(value)
            return b"\x00" if value is None else b"\x02" + _text(value)


def _text(value: str) -> bytes:
    data = value.encode()
    return varint(len(data)) + data
