"""Avro container files: written from encoded records, merged block by block, read. The only user of
fastavro.

A file of ours has in its header, beside schema and codec: the schema's name, its record count, its
content hash [L-9], and the mark that its records are normalised. The sync marker is made from the
file's name and content hash, so the same records under the same name are the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import cramjam
import fastavro

from datalake.avro.columns import content_hash, varint
from datalake.errors import NotAvro
from datalake.schemas import Schema

MAGIC = b"Obj\x01"
CODEC = "snappy"
SYNC_BYTES = 16
RECORDS_PER_BLOCK = 2_500
LONGEST_HEADER = 1 << 20


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

    schema: dict[str, Any]
    codec: str
    sync: bytes
    schema_name: str | None
    summary: Summary | None
    normalised: bool

    @property
    def as_schema(self) -> Schema:
        """The schema of a file of ours, to write another one like it. Raises NotAvro for files of
        others.
        """
        record_type, _, version = (self.schema_name or "").partition(".v")
        if not version.isdecimal():
            raise NotAvro(
                "The file was not written by Fairwave: its header does not name one of its schemas."
            )
        return Schema(record_type, int(version), (), self.schema)


def write(out: BinaryIO, schema: Schema, encoded: Sequence[bytes], *, name: str) -> Summary:
    """Write a whole container file of records encoded under `schema` (binary.encode). `name` should
    be its object key.
    """
    summary = Summary(len(encoded), content_hash(encoded))
    sync = sync_marker(name, summary)
    out.write(header_bytes(schema, summary, sync))
    for start in range(0, len(encoded), RECORDS_PER_BLOCK):
        block = encoded[start : start + RECORDS_PER_BLOCK]
        _write_block(out, len(block), _compressed(b"".join(block)), sync)
    return summary


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
            _write_block(out, count, data, sync)
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
    pairs = [
        varint(len(part)) + part
        for entry in entries.items()
        for part in (entry[0].encode(), entry[1].encode())
    ]
    return MAGIC + varint(len(entries)) + b"".join(pairs) + b"\x00" + sync


def _write_block(out: BinaryIO, count: int, data: bytes, sync: bytes) -> None:
    out.write(varint(count) + varint(len(data)))
    out.write(data)
    out.write(sync)


def _compressed(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")


def read_header(source: BinaryIO) -> Header:
    """The header; `source` then stands at the first block. Raises NotAvro."""
    if source.read(len(MAGIC)) != MAGIC:
        raise NotAvro(f"{_name(source)} is not an Avro container file.")
    entries: dict[str, bytes] = {}
    while count := _read_long(source):
        if count < 0:  # then the size in bytes follows, which only readers that skip need
            count = -count
            _read_long(source)
        for _ in range(count):
            key = _read_bytes(source, LONGEST_HEADER).decode("utf-8", "replace")
            entries[key] = _read_bytes(source, LONGEST_HEADER)
    sync = _read_exactly(source, SYNC_BYTES)
    return _as_header(entries, sync, _name(source))


def _as_header(entries: dict[str, bytes], sync: bytes, name: str) -> Header:
    texts = {key: value.decode("utf-8", "replace") for key, value in entries.items()}
    try:
        schema = json.loads(texts["avro.schema"])
        summary = None
        if "fairwave.records" in texts:
            summary = Summary(
                int(texts["fairwave.records"]), int(texts["fairwave.content_hash"], 16)
            )
    except (KeyError, ValueError) as error:
        raise NotAvro(f"{name} has an unreadable header: {error}.") from error
    normalised = texts.get("fairwave.normalised") == "yes" and summary is not None
    return Header(
        schema,
        texts.get("avro.codec", "null"),
        sync,
        texts.get("fairwave.schema"),
        summary,
        normalised,
    )


def raw_blocks(source: BinaryIO, sync: bytes) -> Iterator[tuple[int, bytes]]:
    """Each block's record count and its bytes, still compressed. Raises NotAvro where the file
    breaks off.
    """
    while True:
        try:
            count = _read_long(source, may_end=True)
        except EOFError:
            return
        data = _read_bytes(source)
        if _read_exactly(source, SYNC_BYTES) != sync or count < 0:
            raise NotAvro(
                f"{_name(source)} is damaged: a block does not end with the file's sync marker."
            )
        yield count, data


def count_records(source: BinaryIO, sync: bytes) -> int:
    """How many records the blocks from here on claim to hold; their bytes are passed over. Raises
    NotAvro.
    """
    records = 0
    while True:
        try:
            count = _read_long(source, may_end=True)
        except EOFError:
            return records
        length = _read_long(source)
        source.seek(length, os.SEEK_CUR)
        if _read_exactly(source, SYNC_BYTES) != sync or count < 0 or length < 0:
            raise NotAvro(
                f"{_name(source)} is damaged: a block does not end with the file's sync marker."
            )
        records += count


def read_records(source: BinaryIO) -> Iterator[Any]:
    """The records of any container file, as Python values. Raises NotAvro."""
    try:
        yield from fastavro.reader(source)
    except (
        ValueError,
        EOFError,
        KeyError,
        IndexError,
        UnicodeDecodeError,
        cramjam.DecompressionError,
    ) as error:
        raise NotAvro(f"{_name(source)} cannot be decoded: {type(error).__name__}.") from error


def split(source: BinaryIO) -> Iterator[tuple[Any, bytes]]:
    """Each record of a file of ours: as Python value, and the bytes it stands in. Raises
    NotAvro.
    """
    header = read_header(source)
    if header.codec != CODEC:
        raise NotAvro(
            f"{_name(source)} is compressed with {header.codec} and was not written by Fairwave."
        )
    schema = fastavro.parse_schema(header.schema)
    for count, packed in raw_blocks(source, header.sync):
        data = _unpacked(packed, _name(source))
        block, start = io.BytesIO(data), 0
        for _ in range(count):
            try:
                record = fastavro.schemaless_reader(block, schema, None)
            except (ValueError, EOFError, KeyError, IndexError) as error:
                raise NotAvro(
                    f"{_name(source)} cannot be decoded: {type(error).__name__}."
                ) from error
            yield record, data[start : block.tell()]
            start = block.tell()


def _unpacked(packed: bytes, name: str) -> bytes:
    """A block's records; the last four bytes are their checksum."""
    try:
        data = bytes(cramjam.snappy.decompress_raw(packed[:-4]))
    except cramjam.DecompressionError as error:
        raise NotAvro(f"{name} is damaged: a block cannot be unpacked.") from error
    if zlib.crc32(data).to_bytes(4, "big") != packed[-4:]:
        raise NotAvro(f"{name} is damaged: the checksum of a block does not match.")
    return data


def _read_long(source: BinaryIO, *, may_end: bool = False) -> int:
    value = shift = 0
    while True:
        byte = source.read(1)
        if not byte:
            if may_end and shift == 0:
                raise EOFError
            raise NotAvro(f"{_name(source)} is incomplete.")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return (value >> 1) ^ -(value & 1)
        shift += 7
        if shift > 63:
            raise NotAvro(f"{_name(source)} is damaged: a number has too many bytes.")


def _read_bytes(source: BinaryIO, longest: int | None = None) -> bytes:
    length = _read_long(source)
    if length < 0 or (longest is not None and length > longest):
        raise NotAvro(f"{_name(source)} is damaged: a part has the length {length}.")
    return _read_exactly(source, length)


def _read_exactly(source: BinaryIO, length: int) -> bytes:
    data = source.read(length)
    if len(data) != length:
        raise NotAvro(f"{_name(source)} is incomplete.")
    return data


def _name(source: BinaryIO) -> str:
    return str(getattr(source, "name", "The file"))
