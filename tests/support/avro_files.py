"""Avro container files as others write them, well or not."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import fastavro

from datalake.avro.columns import varint

SYNC = b"0123456789abcdef"


def written(schema: Any, rows: Sequence[Any], *, codec: str = "null", **options: Any) -> bytes:
    """A sound file of these records."""
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), rows, codec=codec, **options)
    return out.getvalue()


def made(schema: Any, *blocks: tuple[int, bytes], codec: str = "null", **meta: bytes) -> bytes:
    """A file of these blocks (record count, bytes), whatever they say; `schema` may be the bytes of
    a schema.
    """
    text = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    entries = {"avro.schema": text, "avro.codec": codec.encode(), **meta}
    pairs = [part(name.encode()) + part(value) for name, value in entries.items()]
    head = b"Obj\x01" + varint(len(pairs)) + b"".join(pairs) + b"\x00" + SYNC
    return head + b"".join(varint(count) + part(data) + SYNC for count, data in blocks)


def part(data: bytes) -> bytes:
    """Length and bytes."""
    return varint(len(data)) + data
