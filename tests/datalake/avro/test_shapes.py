"""Bytes are read by their types, and what no type could have written is refused. [L-3]"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from datalake.avro.columns import varint
from datalake.avro.shapes import MOST_ITEMS, Undecodable
from tests.datalake.avro.decoding_cases import decoded, record_of

MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
LONGS = {"type": "array", "items": "long"}


@pytest.mark.parametrize(
    ("schema", "data", "count", "why"),
    [
        (record_of("boolean"), b"", 1, "too short"),
        (record_of("boolean"), b"\x01" * 9, 10**12, "too short"),
        (record_of("boolean"), b"\x01\x01", 1, "more than its records"),
        (record_of("boolean"), b"\x01", 0, "more than its records"),
        (record_of("boolean"), b"\x07", 1, "neither true nor false"),
        (record_of("long"), b"\xff" * 20, 1, "too many bytes"),
        (record_of("long"), b"\xff", 1, "incomplete"),
        (record_of("double"), b"\x00" * 7, 1, "too short"),
        (record_of("boolean", ["double", "boolean"]), b"\x01\x00\x00", 1, "incomplete"),
        (record_of("string"), varint(-1), 1, "declared"),
        (record_of("bytes"), varint(2**60), 1, "declared"),
        (record_of("string"), varint(5) + b"abc", 1, "incomplete"),
        (record_of(["null", "long"]), varint(2), 1, "does not have"),
        (record_of(["null", "long"]), varint(-1), 1, "does not have"),
        (record_of({"type": "enum", "name": "e", "symbols": ["a"]}), varint(-1), 1, "symbols"),
        (record_of(LONGS), varint(2**62), 1, "hold more than"),
        (record_of(LONGS), varint(-(2**62)) + varint(1), 1, "hold more than"),
        (record_of(LONGS), varint(MOST_ITEMS) + b"\x00" * MOST_ITEMS + b"\x02", 1, "hold more"),
        (record_of({"type": "map", "values": "null"}), varint(2**62), 1, "hold more than"),
        (record_of(MILLIS), varint(2**62), 1, "outside the years"),
        (record_of(MILLIS), varint(10**15), 1, "outside the years"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_records_are_refused(schema, data, count, why):
    """[L-3]"""
    with pytest.raises(Undecodable, match=why):
        decoded(schema, data, count)


def test_timestamps_are_read_in_all_their_units():
    """[L-3]"""
    schema = record_of(*({"type": "long", "logicalType": f"timestamp-{unit}"} for unit in ("millis", "micros", "nanos")))  # fmt: skip
    moment = datetime(2026, 2, 24, 10, 0, 0, 250_000, tzinfo=UTC)
    microseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    data = varint(microseconds // 1000) + varint(microseconds) + varint(microseconds * 1000)
    assert set(decoded(schema, data)[0].values()) == {moment}
