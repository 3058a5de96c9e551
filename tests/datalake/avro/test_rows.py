"""A record is encoded by a plan made once from its schema."""

from __future__ import annotations

import io

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake.avro.rows import encoder


def test_a_schema_of_another_shape_is_refused_when_it_is_read():
    schema = {"type": "record", "name": "a", "fields": [{"name": "size", "type": "double"}]}
    with pytest.raises(ValueError, match="Field size: the shape double"):
        encoder(schema)


SIZES = {"type": "record", "name": "sizes", "fields": [{"name": "width", "type": "string"}]}
EVERY_SHAPE = {
    "type": "record",
    "name": "every_shape",
    "fields": [
        {"name": "text", "type": "string"},
        {"name": "other_text", "type": "string"},
        {"name": "note", "type": ["null", "string"]},
        {"name": "is_sold", "type": ["null", "boolean"]},
        {"name": "sizes", "type": SIZES},
        {"name": "more_sizes", "type": ["null", SIZES | {"name": "more_sizes"}]},
    ],
}
texts = st.text(st.characters(exclude_categories=["Cs"]))
sizes = st.fixed_dictionaries({"width": texts})
records = st.fixed_dictionaries(
    {
        "text": texts,
        "other_text": texts,
        "note": st.none() | texts,
        "is_sold": st.none() | st.booleans(),
        "sizes": sizes,
        "more_sizes": st.none() | sizes,
    }
)


@given(records)
def test_every_shape_of_a_field_is_encoded_byte_for_byte_as_fastavro_does(record):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(dict(EVERY_SHAPE)), record)
    assert encoder(EVERY_SHAPE)(record) == out.getvalue()


@pytest.mark.parametrize("text", ["a" * 63, "a" * 64, "ä" * 31, "ä" * 63, "\x7f", "\x80", ""])
def test_short_and_long_texts_are_encoded_alike(text):
    schema = fastavro.parse_schema(dict(EVERY_SHAPE))
    for record in (
        {"text": text, "other_text": "b", "note": None, "is_sold": True, "sizes": {"width": "1"}},
        {"text": "a", "other_text": "b", "note": text, "is_sold": False, "sizes": {"width": text}},
    ):
        for inner in (None, {"width": text}):
            out = io.BytesIO()
            fastavro.schemaless_writer(out, schema, record | {"more_sizes": inner})
            assert encoder(EVERY_SHAPE)(record | {"more_sizes": inner}) == out.getvalue()


def test_a_string_longer_than_the_prepared_lengths_is_encoded_as_well():
    schema = {"type": "record", "name": "a", "fields": [{"name": "text", "type": "string"}]}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), {"text": "ä" * 5_000})
    assert encoder(schema)({"text": "ä" * 5_000}) == out.getvalue()
