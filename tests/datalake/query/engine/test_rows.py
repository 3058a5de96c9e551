"""Answers of the engine as JSON. [L-8]"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from datalake.query.engine import rows


def test_values_of_every_type_become_plain_json():
    values = {
        "text": pa.array(["größer\n"]),
        "null": pa.array([None], pa.string()),
        "number": pa.array([2**60]),
        "double": pa.array([0.25]),
        "nothing": pa.array([float("nan")]),
        "flag": pa.array([True]),
        "day": pa.array([date(2026, 1, 20)]),
        "nanosecond": pa.array([1], pa.timestamp("ns")),
        "moment": pa.array([datetime(2026, 1, 20, tzinfo=UTC)], pa.timestamp("ms", "UTC")),
        "price": pa.array([Decimal("1.50")]),
        "bytes": pa.array([b"\x00\xff"]),
        "list": pa.array([["a", None]]),
        "record": pa.array([{"a": {"b": float("inf")}}]),
    }
    [line] = rows.lines(pa.RecordBatch.from_pydict(values))
    assert json.loads(line) == [
        "größer\n",
        None,
        2**60,
        0.25,
        "nan",
        True,
        "2026-01-20",
        "1970-01-01 00:00:00.000000001",
        "2026-01-20 00:00:00.000Z",
        "1.50",
        "00ff",
        ["a", None],
        {"a": {"b": "inf"}},
    ]
    assert "\n" not in line
