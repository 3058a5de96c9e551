"""Whole columns are encoded as Avro, byte for byte as a plain writer does it. [L-1, L-9]"""

from __future__ import annotations

import io

import fastavro
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake import records
from datalake.avro import columns
from datalake.choices import RecordType
from fairwave import env

SCHEMA = records.schema_of(RecordType.SCORING)


EXAMPLES = 2_000 if env.switch("FAIRWAVE_FULL", False) else 40


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


optional = st.none() | text


scores = st.fixed_dictionaries(
    {
        "type": st.just("scoring"),
        "date": st.fixed_dictionaries({"created": text}),
        "campaignId": text,
        "globalUserId": text,
        "memberId": optional,
        "marketId": optional,
        "email": optional,
        "phone": optional,
        "tags": st.lists(text, max_size=70),
        "dedupeHash": text,
        "score": st.floats(),
        "band_score": st.floats(allow_nan=False),
    }
)


@given(st.lists(scores, min_size=1, max_size=20))
@settings(max_examples=EXAMPLES)
def test_the_encoding_by_columns_is_byte_for_byte_fastavros(rows):
    expected = []
    for row in rows:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(dict(SCHEMA.avro)), row)
        expected.append(out.getvalue())
    assert (
        columns.encode(RecordType.SCORING, records.frame_of(RecordType.SCORING, rows)) == expected
    )


@given(st.integers(-(2**62), 2**62))
def test_a_varint_is_fastavros_long(number):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    assert columns.varint(number) == out.getvalue()


@given(st.lists(st.binary(max_size=40), max_size=30), st.randoms(), st.integers(0, 30))
def test_content_hashes_add_up_in_any_order_and_division(encoded, random, cut):
    """[L-9]"""
    whole = columns.content_hash(encoded)
    random.shuffle(encoded)
    assert (
        columns.add_hashes(
            [columns.content_hash(encoded[:cut]), columns.content_hash(encoded[cut:])]
        )
        == whole
    )


def test_the_content_hash_counts_a_record_as_often_as_it_is_there():
    """[L-9]"""
    assert columns.content_hash([b"a", b"a"]) != columns.content_hash([b"a"])
