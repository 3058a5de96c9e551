"""A frame that counts as normalised is not changed by normalising its records. [L-1, T-1]"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake import records
from datalake.choices import RecordType
from datalake.schemas import SCHEMAS
from datalake.streams.checked_frames import are_normalised

NAME = SCHEMAS["registration"].name
RECORD = {
    "type": "registration",
    "date": {"created": "2026-01-05T10:00:00.000Z"},
    "campaignId": "C1",
    "globalUserId": "F1",
    "memberId": None,
    "marketId": "west",
    "email": "a b@mail.example",
    "phone": None,
    "tags": ["unconfirmed_phone"],
    "dedupeHash": "0" * 64,
}


def frame_of(*given_records: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(given_records), schema=records.frame_schema("registration"))


def is_as_normalised(record: dict[str, Any]) -> bool:
    try:
        return records.normalise(record) == record
    except ValueError:
        return False


dates = st.one_of(
    st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z"),
    st.sampled_from(
        [
            *("2026-01-05T10:00:60.000Z", "2026-02-29T10:00:00.000Z", "2026-01-05T24:00:00.000Z"),
            *("2200-12-31T23:59:59.999Z", "2201-01-01T00:00:00.000Z", "1999-12-31T23:59:59.999Z"),
            *("2026-1-005T10:00:00.000Z", "2026-01-05T10:00:00.0000Z", "2016-12-31T23:59:60.000Z"),
        ]
    ),
)
texts = st.one_of(
    st.sampled_from(["", "F1", " F1", "F1\x1c", "\x85F1", "a\x00b", "\u3000", "F\n1", "\u200bF1"]),
    st.text(max_size=3),
)
odd = st.fixed_dictionaries(
    {},
    optional={
        "date": dates.map(lambda created: {"created": created}),
        "type": st.sampled_from(["registration", "scoring", "registration "]),
        **dict.fromkeys(("campaignId", "globalUserId", "memberId", "email"), texts),
        "tags": st.lists(texts, max_size=2),
        "dedupeHash": st.sampled_from(["0" * 63, "A" * 64, "1" * 64, "0" * 64 + "\n"]),
    },
)


@settings(max_examples=150)
@given(st.lists(odd, min_size=1, max_size=3))
def test_a_frame_counts_as_normalised_only_if_each_of_its_records_is(changes):
    given_records = [RECORD | change for change in changes]
    if are_normalised(NAME, frame_of(*given_records)):
        assert all(map(is_as_normalised, given_records))


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"memberId": "m"}, True),
        ({"tags": []}, True),
        ({"date": {"created": "2200-12-31T23:59:59.999Z"}}, True),
        ({"memberId": ""}, False),
        ({"email": "a@mail.example\x1f"}, False),
        ({"globalUserId": "a\x00b"}, False),
        ({"tags": [" unconfirmed_phone"]}, False),
        ({"date": {"created": "2026-12-31T23:59:60.000Z"}}, False),
        ({"date": {"created": "2201-01-01T00:00:00.000Z"}}, False),
        ({"type": "scoring"}, False),
    ],
)
def test_what_counts_as_normalised(change, counts):
    assert are_normalised(NAME, frame_of(RECORD, RECORD | change)) is counts
    assert is_as_normalised(RECORD | change) or not counts


def test_nothing_is_known_of_a_frame_of_another_schema_and_shaped_frames_are_normalised():
    flat = pl.DataFrame({"created": [" 2026-01-05T10:00:00.000Z"], "campaignId": ["C1"]})
    shaped = records.shape(RecordType.REGISTRATION, flat.with_columns(globalUserId=pl.lit(" F1 ")))
    assert are_normalised(NAME, shaped)
    assert not are_normalised("registration.v9", shaped)
