"""Records of any writer are decoded as fastavro does, and what could not be survived is refused.
[L-3]
"""

from __future__ import annotations

import io
from datetime import UTC, datetime

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake.avro.decoding import RecordDecoder
from datalake.avro.shapes import Undecodable
from tests.datalake.avro.decoding_cases import decoded, record_of

WORDS = st.text(max_size=5)
INT64 = st.integers(-(2**63), 2**63 - 1)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001
MILLISECONDS = TIMES.map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
INNER = {"type": "record", "name": "inner", "fields": [{"name": "flag", "type": "boolean"}]}
TYPES = {
    "none": ("null", st.none()),
    "flag": ("boolean", st.booleans()),
    "small": ("int", st.integers(-(2**31), 2**31 - 1)),
    "large": ("long", INT64),
    "narrow": ("float", st.floats(width=32, allow_nan=False)),
    "wide": ({"type": "double"}, st.floats(allow_nan=False)),
    "data": ("bytes", st.binary(max_size=5)),
    "text": ({"type": "string", "logicalType": "made up"}, WORDS),
    "four": ({"type": "fixed", "name": "four", "size": 4}, st.binary(min_size=4, max_size=4)),
    "suit": ({"type": "enum", "name": "suit", "symbols": ["a", "b"]}, st.sampled_from("ab")),
    "list": ({"type": "array", "items": ["null", "string"]}, st.lists(st.none() | WORDS)),
    "map": ({"type": "map", "values": "long"}, st.dictionaries(WORDS, INT64)),
    "inner": (INNER, st.fixed_dictionaries({"flag": st.booleans()})),
    "again": (["null", "some.space.inner"], st.none() | st.fixed_dictionaries({"flag": st.booleans()})),
    "millis": (
        {"type": "long", "logicalType": "timestamp-millis"},
        MILLISECONDS.map(lambda at: at.replace(tzinfo=UTC)),
    ),
    "micros": (
        ["null", {"type": "long", "logicalType": "timestamp-micros"}],
        TIMES.map(lambda at: at.replace(tzinfo=UTC)),
    ),
    "local": ({"type": "long", "logicalType": "local-timestamp-micros"}, TIMES),
}  # fmt: skip
EVERY_TYPE = {
    "type": "record",
    "name": "every",
    "namespace": "some.space",
    "fields": [{"name": name, "type": type_} for name, (type_, _) in TYPES.items()],
}


def encoded(schema, *rows):
    out = io.BytesIO()
    for row in rows:
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema), row)
    return out.getvalue()


@given(
    st.lists(
        st.fixed_dictionaries({name: values for name, (_, values) in TYPES.items()}), max_size=3
    )
)
def test_values_of_every_type_are_what_fastavro_reads(rows):
    data = encoded(EVERY_TYPE, *rows)
    found = list(RecordDecoder(EVERY_TYPE).records(data, len(rows)))
    source = io.BytesIO(data)
    parsed = fastavro.parse_schema(EVERY_TYPE)
    assert [record for record, _ in found] == [
        fastavro.schemaless_reader(source, parsed, None) for _ in rows
    ]
    assert b"".join(piece for _, piece in found) == data


def test_a_text_that_is_not_utf8_spoils_no_other_record():
    """[C-4]"""
    data = b"\x02\xff" + b"\x02a"
    assert decoded(record_of("string"), data, 2) == [{"f0": "\udcff"}, {"f0": "a"}]


def doubling(levels):
    """Each type holds ten of the one before."""
    types = [{"type": "record", "name": "n0", "fields": [{"name": "x", "type": "null"}]}]
    for level in range(1, levels):
        fields = [{"name": f"f{each}", "type": f"n{level - 1}"} for each in range(10)]
        types.append({"type": "record", "name": f"n{level}", "fields": fields})
    return record_of("boolean", *types)


def chained(length):
    """Each type holds the one before, all written side by side."""
    types = [{"type": "record", "name": "n0", "fields": []}]
    for number in range(1, length):
        field = {"name": "f", "type": f"n{number - 1}"}
        types.append({"type": "record", "name": f"n{number}", "fields": [field]})
    return record_of("boolean", *types)


def nested(depth):
    schema = "string"
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return record_of(schema)


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (["null", "string"], "not a record"),
        ("string", "not a record"),
        (None, "not a record"),
        ({"type": "record", "name": "r"}, "without fields"),
        (record_of("nothing"), "unknown type"),
        (record_of([]), "union of no types"),
        (record_of({"type": "enum", "name": "e", "symbols": [1]}), "without symbols"),
        (record_of({"type": "fixed", "name": "f", "size": -1}), "usable size"),
        (record_of({"type": "fixed", "name": "f", "size": 2**40}), "usable size"),
        (record_of({"type": "fixed", "size": 1}), "without a name"),
        (record_of({"items": "string"}), "without a type"),
        (record_of(17), "without a type"),
        (record_of(INNER, INNER), "twice"),
        ({"type": "record", "name": "r", "fields": [{"name": "a"}]}, "field without a type"),
        ({"type": "record", "name": "r", "fields": [{"type": "int"}]}, "name of its own"),
        (record_of("null", "null"), "hold nothing"),
        (record_of({"type": "array", "items": "null"}), "array of nothing"),
        (record_of({"type": "array", "items": {"type": "fixed", "name": "f", "size": 0}}), "nothing"),
        (record_of(["null", "r"]), "refers to itself"),
        (record_of({"type": "array", "items": "r"}), "refers to itself"),
        (record_of({"type": "map", "values": ["null", "r"]}), "refers to itself"),
        (nested(40), "nested more than"),
        (nested(400), "nested more than"),
        (chained(40), "nested more than"),
        (doubling(6), "more than 1,000 fields"),
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_read_safely_is_refused_before_any_record(schema, why):
    """[L-3]"""
    with pytest.raises(Undecodable, match=why):
        RecordDecoder(schema)
