"""Avro container files: written from encoded records, merged block by block, read.

A file of ours has in its header, beside schema and codec: the schema's name, its record count, its
content hash [L-9], and the mark that its records are normalised. The sync marker is made from the
file's name and content hash, so the same records under the same name are the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from datalake.avro.block_codecs import OURS, pack, unpack
from datalake.avro.columns import content_hash, varint
from datalake.avro.decoding import RecordDecoder
from datalake.avro.shapes import Undecodable
from datalake.errors import NotAvro
from datalake.schemas import Schema
from datalake.storage.unpacking import Bounds, TooManyBytes

MAGIC = b"Obj\x01"
CODEC = OURS
SYNC_BYTES = 16
RECORDS_PER_BLOCK = 2_500
LONGEST_HEADER = 1 << 20
# of one block; and of a file, in times of its size: rows of fans pack to a third or a tenth
BOUNDS = Bounds(most_bytes=256 << 20, largest_ratio=100, ratio_from_bytes=64 << 20)


@dataclass(frozen=True)
class Summary:
    """What a file holds: number of records and their content hash. [L-9]"""

    records: int
    content_hash: int


@dataclass(frozen=True)
class Header:
    """A container file's header. `summary` and `schema_name` are None in files that are not
    ours.
    """

    schema: Any
    codec: str
    sync: bytes
    schema_name: str | None
    summary: Summary | None
    normalised: bool

    @property
    def field_names(self) -> set[str]:
        """Of a record at the top of the schema; empty for any other schema."""
        match self.schema:
            case {"fields": [*fields]}:
                names = [each.get("name") for each in fields if isinstance(each, dict)]
                return {name for name in names if isinstance(name, str)}
        return set()

    @property
    def as_schema(self) -> Schema:
        """The schema of a file of ours, to write another one like it. Raises NotAvro for files of
        others.
        """
        record_type, _, version = (self.schema_name or "").partition(".v")
        if not re.fullmatch("[0-9]{1,4}", version):
            raise NotAvro(
                "The file was not written by Fairwave: its header does not name one of its schemas."
            )
        try:
            RecordDecoder(self.schema)
        except Undecodable as error:
            raise NotAvro(f"The file was not written by Fairwave: {error}.") from error
        return Schema(record_type, int(version), (), self.schema)


def write(out: BinaryIO, schema: Schema, encoded: Sequence[bytes], *, name: str) -> Summary:
    """Write a whole container file of records encoded under `schema` (binary.encode). `name` should
    be its object key.
    """
    summary = Summary(len(encoded), content_hash(encoded))
    sync = sync_marker(name, summary)
    out.write(header_bytes(schema, summary, sync))
    write_blocks(out, encoded, sync)
    return summary


def write_blocks(out: BinaryIO, encoded: Sequence[bytes], sync: bytes) -> None:
    """Write encoded records after a header that has this sync marker."""
    for start in range(0, len(encoded), RECORDS_PER_BLOCK):
        block = encoded[start : start + RECORDS_PER_BLOCK]
        write_block(out, len(block), pack(b"".join(block)), sync)


def merge(
    out: BinaryIO, schema: Schema, sources: Iterable[BinaryIO], *, summary: Summary, name: str
) -> int:
    """Write one file of all blocks of `sources`, copied as they are; `summary` is the sum of
    theirs.

    The sources must be normalised files of this schema and codec (the caller has looked at their
    headers). Returns the number of records copied. Raises NotAvro for a source that is broken.
    [L-6]
    """
    sync = sync_marker(name, summary)
    out.write(header_bytes(schema, summary, sync))
    records = 0
    for source in sources:
        header = read_header(source)
        for count, data in raw_blocks(source, header.sync):
            write_block(out, count, data, sync)
            records += count
    return records


def sync_marker(name: str, summary: Summary) -> bytes:
    return hashlib.sha256(
        f"{name}\x1f{summary.records}\x1f{summary.content_hash:064x}".encode()
    ).digest()[:SYNC_BYTES]


def header_bytes(schema: Schema, summary: Summary, sync: bytes) -> bytes:
    entries = {
        "avro.schema": json.dumps(schema.avro, separators=(",", ":")),
        "avro.codec": CODEC,
        "fairwave.schema": schema.name,
        "fairwave.records": str(summary.records),
        "fairwave.content_hash": f"{summary.content_hash:064x}",
        "fairwave.normalised": "yes",
    }
    return _header(entries, sync)


def bare_header(like: Header) -> bytes:
    """The header of a file of the same records that are not packed, and of which nothing is
    known.
    """
    return _header({"avro.schema": json.dumps(like.schema), "avro.codec": "null"}, like.sync)


def _header(entries: Mapping[str, str], sync: bytes) -> bytes:
    pairs = [
        varint(len(part)) + part
        for entry in entries.items()
        for part in (entry[0].encode(), entry[1].encode())
    ]
    return MAGIC + varint(len(entries)) + b"".join(pairs) + b"\x00" + sync


def write_block(out: BinaryIO, count: int, data: bytes, sync: bytes) -> None:
    """Write a block whose records are packed, or not, as the header says."""
    out.write(varint(count) + varint(len(data)))
    out.write(data)
    out.write(sync)


@contextmanager
def _said_of(source: BinaryIO, name: str) -> Iterator[None]:
    """What cannot be read is said of the file by its name."""
    try:
        yield
    except Undecodable as error:
        named = name or str(getattr(source, "name", "The file"))
        raise NotAvro(f"{named} cannot be read: {error}.") from error


def read_header(source: BinaryIO, *, name: str = "") -> Header:
    """The header; `source` then stands at the first block. Raises NotAvro."""
    with _said_of(source, name):
        if source.read(len(MAGIC)) != MAGIC:
            raise Undecodable("it is not an Avro container file")
        entries: dict[str, bytes] = {}
        left = LONGEST_HEADER
        while count := _read_long(source):
            if count < 0:  # then the size in bytes follows, which only readers that skip need
                _read_long(source)
            for _ in range(abs(count)):
                key, value = _read_bytes(source, left), _read_bytes(source, left)
                left = max(0, left - len(key) - len(value))
                entries[key.decode("utf-8", "replace")] = value
        return _as_header(entries, _read_exactly(source, SYNC_BYTES))


def _as_header(entries: Mapping[str, bytes], sync: bytes) -> Header:
    texts = {key: value.decode("utf-8", "replace") for key, value in entries.items()}
    try:
        schema = json.loads(texts["avro.schema"])
        summary = None
        if "fairwave.records" in texts:
            summary = Summary(
                int(texts["fairwave.records"]), int(texts["fairwave.content_hash"], 16)
            )
    except (KeyError, ValueError, RecursionError) as error:
        raise Undecodable(f"its header is not valid ({type(error).__name__})") from error
    return Header(
        schema,
        texts.get("avro.codec", "null"),
        sync,
        texts.get("fairwave.schema"),
        summary,
        texts.get("fairwave.normalised") == "yes" and summary is not None,
    )


def raw_blocks(source: BinaryIO, sync: bytes, *, name: str = "") -> Iterator[tuple[int, bytes]]:
    """Each block's record count and its bytes, still compressed. Raises NotAvro where the file
    breaks off.
    """
    with _said_of(source, name):
        while (count := _read_count(source)) is not None:
            data = _read_bytes(source, BOUNDS.most_bytes)
            _require_sync(source, sync)
            yield count, data


def count_records(source: BinaryIO, sync: bytes) -> int:
    """How many records the blocks from here on claim to hold. Raises NotAvro."""
    return sum(passed_blocks(source, sync))


def passed_blocks(source: BinaryIO, sync: bytes) -> Iterator[int]:
    """Each block's record count, when its bytes are passed over. Raises NotAvro."""
    with _said_of(source, ""):
        while (count := _read_count(source)) is not None:
            source.seek(_read_length(source, BOUNDS.most_bytes), os.SEEK_CUR)
            _require_sync(source, sync)
            yield count


def read_records(source: BinaryIO, *, name: str = "") -> Iterator[dict[str, Any]]:
    """The records of any container file, as Python values. Raises NotAvro. [L-3]"""
    return (record for record, _ in split(source, name=name))


def split(source: BinaryIO, *, name: str = "") -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each record of any container file: as Python value, and the bytes it stands in.

    Raises NotAvro, also for a block that unpacks beyond BOUNDS, and for a schema that cannot be
    read safely, before any record. [L-3]
    """
    header = read_header(source, name=name)
    with _said_of(source, name):
        decoder = RecordDecoder(header.schema)
        for count, data in unpacked_blocks(source, header, name=name):
            yield from decoder.records(data, count)


def unpacked_blocks(
    source: BinaryIO, header: Header, *, name: str = ""
) -> Iterator[tuple[int, bytes]]:
    """Each block's record count and its bytes. Raises NotAvro, also for a block that unpacks
    beyond BOUNDS.
    """
    with _said_of(source, name):
        yield from _unpacked_blocks(source, header, name)


def _unpacked_blocks(source: BinaryIO, header: Header, name: str) -> Iterator[tuple[int, bytes]]:
    bytes_in = bytes_out = 0
    for count, packed in raw_blocks(source, header.sync, name=name):
        bytes_in += len(packed)
        left = max(BOUNDS.ratio_from_bytes, BOUNDS.largest_ratio * bytes_in) - bytes_out
        try:
            data = unpack(header.codec, packed, most_bytes=min(BOUNDS.most_bytes, left))
        except TooManyBytes:
            tight = f"{BOUNDS.largest_ratio} times its size"
            limit = tight if left <= BOUNDS.most_bytes else f"{BOUNDS.most_bytes:,} bytes"
            raise Undecodable(f"a block unpacks to more than {limit}, which is the limit") from None
        bytes_out += len(data)
        yield count, data


def _read_count(source: BinaryIO) -> int | None:
    """The record count of the next block; None at the end of the file."""
    first = source.read(1)
    if not first:
        return None
    count = _read_long(source, first)
    if count < 0:
        raise Undecodable(f"a block is declared to hold {count:,} records")
    return count


def _require_sync(source: BinaryIO, sync: bytes) -> None:
    if _read_exactly(source, SYNC_BYTES) != sync:
        raise Undecodable("a block does not end with the file's sync marker")


def _read_long(source: BinaryIO, first: bytes = b"") -> int:
    value = shift = 0
    while True:
        byte = first or _read_exactly(source, 1)
        first = b""
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return (value >> 1) ^ -(value & 1)
        shift += 7
        if shift > 63:
            raise Undecodable("a number has too many bytes")


def _read_length(source: BinaryIO, most: int) -> int:
    length = _read_long(source)
    if not 0 <= length <= most:
        raise Undecodable(f"a part is declared to have {length:,} bytes; the limit is {most:,}")
    return length


def _read_bytes(source: BinaryIO, most: int) -> bytes:
    return _read_exactly(source, _read_length(source, most))


def _read_exactly(source: BinaryIO, length: int) -> bytes:
    data = source.read(length)
    if len(data) != length:
        raise Undecodable("it is incomplete")
    return data
