from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import polars as pl
import pytest

from datalake import records
from datalake.choices import RecordType
from datalake.errors import InvalidFrame, UnknownRecordType
from operations import instants
from tests.support.lake import NOON, SHA, registration, scoring_frame


def test_the_dedupe_hash_joins_the_key_fields_with_a_unit_separator():
    """[T-5]"""
    expected = hashlib.sha256(
        b"registration\x1f12345\x1ffan-7\x1f2026-01-20T10:30:00.000Z"
    ).hexdigest()
    assert records.dedupe_hash(registration(7)) == expected


def test_the_dedupe_hash_of_a_score_names_its_file():
    """[T-5]"""
    record = {"type": "scoring", "campaignId": "1", "globalUserId": "a", "date": {"created": "x"}}
    assert (
        records.dedupe_hash(record, score_file_sha256=SHA)
        == hashlib.sha256(f"scoring\x1f1\x1fa\x1f{SHA}".encode()).hexdigest()
    )
    with pytest.raises(ValueError, match="score file"):
        records.dedupe_hash(record)


def test_the_dedupe_hash_of_an_assignment_names_its_code():
    """[T-5]"""
    record = {
        "type": "codeAssignment",
        "campaignId": "1",
        "globalUserId": "a",
        "code": "XYZ",
        "date": {"created": "x"},
    }
    assert (
        records.dedupe_hash(record)
        == hashlib.sha256(b"codeAssignment\x1f1\x1fa\x1fXYZ").hexdigest()
    )


def test_hashes_in_bulk_equal_those_one_by_one():
    frame = scoring_frame(50)
    one_by_one = [records.dedupe_hash(record, score_file_sha256=SHA) for record in frame.to_dicts()]
    assert frame["dedupeHash"].to_list() == one_by_one


def test_normalising_trims_drops_unknown_fields_and_fills_in_the_identity():
    """[L-1]"""
    clean = records.normalise(
        registration(1, email="\u00a0 a@example.com\n", memberId="  ", other=5)
    )
    assert clean["email"] == "a@example.com"
    assert clean["memberId"] is None
    assert "other" not in clean
    assert clean["dedupeHash"] == records.dedupe_hash(clean)


def test_a_date_in_another_iso_form_is_brought_to_the_stored_one():
    clean = records.normalise(registration(1, date={"created": "2024-01-15T23:30:00-02:00"}))
    assert clean["date"] == {"created": "2024-01-16T01:30:00.000Z"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "unheard"}, "unknown type"),
        ({"type": 5}, "not an object with a type"),
        ({"globalUserId": " "}, "globalUserId: empty"),
        ({"globalUserId": None}, "globalUserId: missing"),
        ({"campaignId": 12345}, "campaignId: not a string"),
        ({"email": ["a"]}, "email: not a string"),
        ({"email": "\ud800"}, "email: the text contains a NUL or an incomplete character"),
        ({"globalUserId": "a\0"}, "globalUserId: the text contains a NUL"),
        ({"date": {"created": "9999-12-31T23:59:59-14:00"}}, "date.created: the year 9999"),
        ({"date": {"created": "0001-01-01T00:00:00+14:00"}}, "date.created: the year 0001"),
        ({"tags": None}, "tags: not a list of strings"),
        ({"tags": ["a", 1]}, "tags: not a list of strings"),
        ({"date": "2026-01-20"}, "date.created: missing"),
        ({"date": {"created": "2026-01-20T10:30:00"}}, "date.created: not an ISO 8601"),
        ({"date": {"created": "2026-02-30T10:30:00.000Z"}}, "date.created: not an ISO 8601"),
        ({"dedupeHash": "AB" * 32}, "dedupeHash"),
    ],
)
def test_an_invalid_record_is_refused_with_its_reason(changes, reason):
    """[L-1, T-1]"""
    with pytest.raises(ValueError, match=reason):
        records.normalise(registration(1, **changes))


@pytest.mark.parametrize("value", [True, "0.5", None, float("nan"), float("inf"), 10**400])
def test_a_score_is_a_finite_number(value):
    record = scoring_frame(1).to_dicts()[0] | {"score": value}
    with pytest.raises(ValueError, match="score: not a finite number"):
        records.normalise(record)


def test_an_integer_score_becomes_a_double():
    record = records.normalise(scoring_frame(1).to_dicts()[0] | {"score": 1})
    assert isinstance(record["score"], float)


def test_a_valid_frame_survives_normalising_unchanged():
    frame = scoring_frame(20)
    assert records.frame_of(
        RecordType.SCORING, [records.normalise(record) for record in frame.to_dicts()]
    ).equals(frame)


@pytest.mark.parametrize(
    "spoil",
    [
        pl.col("score") * float("inf"),
        pl.lit("").alias("globalUserId"),
        pl.lit(" a").alias("email"),
        pl.lit("a\u00a0").alias("campaignId"),
        pl.lit("").alias("email"),
        pl.lit("A" * 64).alias("dedupeHash"),
        pl.lit(None, dtype=pl.List(pl.String)).alias("tags"),
        pl.lit([None], dtype=pl.List(pl.String)).alias("tags"),
        pl.struct(created=pl.lit("2026-01-20T12:00:00Z")).alias("date"),
        pl.struct(created=pl.lit("2026-02-30T12:00:00.000Z")).alias("date"),
        pl.lit("registration").alias("type"),
        pl.lit(1).alias("memberId"),
    ],
)
def test_a_frame_with_an_invalid_record_is_refused(spoil):
    """[L-1]"""
    frame = scoring_frame(3)
    records.require_record_frame(RecordType.SCORING, frame)
    with pytest.raises(InvalidFrame):
        records.require_record_frame(RecordType.SCORING, frame.with_columns(spoil))


def test_shaping_names_the_columns_that_are_missing():
    with pytest.raises(InvalidFrame, match="code, created, globalUserId"):
        records.shape(RecordType.CODE_ASSIGNMENT, pl.DataFrame({"campaignId": ["1"]}))


def test_shaping_trims_and_turns_empty_optional_fields_into_null():
    flat = {
        "created": [" 2026-01-20T12:00:00.000Z"],
        "campaignId": ["1 "],
        "globalUserId": ["a"],
        "code": [" X"],
        "categoryId": [" "],
    }
    record = records.shape(RecordType.CODE_ASSIGNMENT, pl.DataFrame(flat)).to_dicts()[0]
    assert record == {
        "type": "codeAssignment",
        "date": {"created": instants.stamp(NOON)},
        "campaignId": "1",
        "categoryId": None,
        "globalUserId": "a",
        "memberId": None,
        "marketId": None,
        "code": "X",
        "dedupeHash": hashlib.sha256(b"codeAssignment\x1f1\x1fa\x1fX").hexdigest(),
    }


def test_an_unknown_type_is_refused_by_name():
    with pytest.raises(UnknownRecordType, match="scoring"):
        records.schema_of("nonsense")


def test_the_partition_is_the_utc_day():
    """[L-2]"""
    created = instants.stamp(datetime(2026, 1, 20, 23, 59, tzinfo=UTC))
    assert str(records.partition_day(created)) == "2026-01-20"
