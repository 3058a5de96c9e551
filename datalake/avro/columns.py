"""Record frames → Avro's binary encoding, column by column, and the content hash of records. Pure.

Measured on one core with 200,000 scoring records: 1.0 million records/s, fastavro from ready-made
dicts 0.23 million/s. The bytes are what fastavro writes for the same records (a property test holds
the two equal).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import polars as pl

from datalake.records import schema_of
from datalake.schemas import Field, Kind, Schema

MODULUS = 1 << 256
CHUNK_ROWS = 20_000  # small enough for the columns' bytes to stay in the processor's cache


def varint(number: int) -> bytes:
    """Avro's long: zig-zag, then seven bits a byte, lowest first."""
    number = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(record_type: str, frame: pl.DataFrame, *, schema: Schema | None = None) -> list[bytes]:
    """The encoded bytes of each record of a valid record frame, in row order; `schema` is an older
    version than the one in force.
    """
    fields = (schema or schema_of(record_type)).fields
    encoded: list[bytes] = []
    for chunk in frame.iter_slices(CHUNK_ROWS):
        columns = [_encode_column(field, chunk[field.name]) for field in fields]
        encoded += _join(columns).to_list()
    return encoded


def _join(columns: list[pl.Series]) -> pl.Series:
    """Row by row, all columns' bytes in order: neighbours first, so that no byte is copied more
    than log2(columns) times.
    """
    while len(columns) > 1:
        pairs = [columns[left] + columns[left + 1] for left in range(0, len(columns) - 1, 2)]
        columns = pairs + columns[2 * len(pairs) :]
    return columns[0]


def _encode_column(field: Field, column: pl.Series) -> pl.Series:
    match field.kind:
        case Kind.DATE:
            return _strings(column.struct.field("created"), nullable=False)
        case Kind.DOUBLE:
            return _doubles(column)
        case Kind.STRINGS:
            return _lists(column)
        case Kind.STRING:
            return _strings(column, nullable=field.nullable)


def _strings(column: pl.Series, *, nullable: bool) -> pl.Series:
    """Length and bytes; a nullable one has its branch of the union before it."""
    lengths = column.str.len_bytes()
    longest = lengths.max()
    branch = b"\x02" if nullable else b""
    prefixes = [
        branch + varint(length)
        for length in range((longest if isinstance(longest, int) else 0) + 1)
    ]
    encoded = pl.Series(prefixes, dtype=pl.Binary).gather(lengths) + column.cast(pl.Binary)
    return encoded.fill_null(b"\x00") if nullable else encoded


def _doubles(column: pl.Series) -> pl.Series:
    data = column.to_numpy().astype("<f8").tobytes()
    return pl.Series([data[start : start + 8] for start in range(0, len(data), 8)], dtype=pl.Binary)


def _lists(column: pl.Series) -> pl.Series:
    """Lists of strings repeat a lot (tags): each different one is encoded once."""
    rows = pl.DataFrame({"list": column}).with_columns(
        pl.struct("list").rank("dense").alias("kind")
    )
    kinds = rows.unique("kind").sort("kind")
    encoded = pl.Series([_list(items) for items in kinds["list"].to_list()], dtype=pl.Binary)
    return encoded.gather(rows["kind"] - 1)


def _list(items: list[str]) -> bytes:
    if not items:
        return b"\x00"
    texts = [item.encode() for item in items]
    return varint(len(texts)) + b"".join(varint(len(text)) + text for text in texts) + b"\x00"


def content_hash(encoded: Sequence[bytes]) -> int:
    """The sum of the SHA-256 of each encoded record, modulo 2^256: in any order and any division
    the same. [L-9]
    """
    sha256, from_bytes = hashlib.sha256, int.from_bytes
    return sum([from_bytes(sha256(record).digest(), "big") for record in encoded]) % MODULUS


def add_hashes(hashes: Sequence[int]) -> int:
    """The content hash of all the records whose parts have these. [L-9]"""
    return sum(hashes) % MODULUS
