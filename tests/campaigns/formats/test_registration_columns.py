"""Records of registrations are read by columns as they are one by one. [C-4, L-1]"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.formats.registration_columns import Registrations, of_file, of_lake
from campaigns.formats.registration_records import COLUMNS, columns_of
from operations.entry.trimming import trim
from tests.campaigns.formats.plain_records import cells_of, values_of, values_of_record

MANY = 5_000 if os.environ.get("FAIRWAVE_FULL") else 120
AT = datetime(2026, 1, 5, 10, 0, 0, 250_000, tzinfo=UTC)
ROW = {"global_user_id": "F1", "registered_at": "2026-01-05T10:00:00Z"}
LAKE = {"type": "registration", "campaignId": "C1", "globalUserId": "F1", "date": {"created": AT}}


def read_one(record: dict[str, Any]) -> dict[str, str] | None:
    rows = of_file([1], [record], COLUMNS, "C1").rows
    return rows.select(COLUMNS).row(0, named=True) if rows.height else None


def read(**values: Any) -> dict[str, str] | None:
    return read_one(ROW | values)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("global_user_id", b"F1", "F1"),
        ("email", "zo\u00eb@mail.example".encode(), "zo\u00eb@mail.example"),
        ("email", None, ""),
        ("registered_at", b"2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"),
        ("registered_at", AT, "2026-01-05T10:00:00.250000+00:00"),
        ("date_created", AT.replace(tzinfo=None), "2026-01-05T10:00:00.250000"),
        ("phone_confirmed", True, "yes"),
        ("phone_confirmed", False, "no"),
        ("phone_confirmed", b"1", "1"),
        ("market_preferences", ["west", b"east"], "west|east"),
        ("market_preferences", [], ""),
        ("market_preferences", b"west|east", "west|east"),
    ],
)
def test_c4_utf8_bytes_are_text_and_arrays_are_preferences(column, value, text):
    assert read(**{column: value})[column] == text


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("global_user_id", 12345),
        ("global_user_id", AT),
        ("global_user_id", True),
        ("email", b"\xff@mail.example"),
        ("email", ["a@mail.example"]),
        ("phone", 13105550123.0),
        ("phone_confirmed", 1),
        ("market_preferences", [17]),
        ("market_preferences", [["west"]]),
        ("market_preferences", {"west": 1}),
        ("registered_at", 1767607200000),
    ],
)
def test_c4_a_value_of_any_other_type_makes_the_row_malformed(column, value):
    assert read(**{column: value}) is None


def test_a_record_of_the_lakes_shape_is_read_with_its_date_as_text_or_timestamp():
    """[L-1]"""
    found = read_one(LAKE)
    assert (found["global_user_id"], found["phone_confirmed"]) == ("F1", "no")
    assert found["registered_at"] == "2026-01-05T10:00:00.250000+00:00"
    assert read_one(LAKE | {"tags": "unconfirmed_phone"}) is None
    with_phone = LAKE | {"phone": "+12065550100", "type": b"registration", "campaignId": b"C1"}
    assert read_one(with_phone | {"tags": None})["phone_confirmed"] == "yes"
    assert read_one(with_phone | {"tags": ["unconfirmed_phone"]})["phone_confirmed"] == "no"


# as the decoder gives them: bytes that are no text are lone surrogates
odd_text = st.binary(max_size=4).map(lambda data: data.decode(errors="surrogateescape"))
texts = st.one_of(
    st.text(max_size=5).filter(str.isprintable),
    st.sampled_from(["", "west|east", "yes", "a\tb", "a\x00", "\u0085", "\u00a0x", "\u200bF1"]),
    st.sampled_from(["x" * 500, "x" * 501, "x" * 600_000]),
    odd_text,
)
values = st.one_of(
    st.none(),
    texts,
    st.binary(max_size=4),
    st.booleans(),
    st.integers(),
    st.just(AT),
    st.just(AT.replace(tzinfo=None)),
    st.lists(st.one_of(texts, st.binary(max_size=3), st.integers()), max_size=3),
    st.just({"a": 1}),
)
given_values = st.one_of(texts, texts, values)  # columns of text alone are the usual ones
of_ours = st.fixed_dictionaries(
    dict.fromkeys((*COLUMNS, "note"), st.one_of(st.just("same"), given_values))
)
of_the_lake = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["registration", "registration", b"registration"]),
        "date": st.fixed_dictionaries({"created": given_values}),
        "campaignId": st.sampled_from(["C1", "C1", b"C1"]),
        **dict.fromkeys(("globalUserId", "memberId", "marketId", "email", "phone"), given_values),
        "tags": st.one_of(
            st.none(), st.lists(st.just("unconfirmed_phone")), st.just("text"), st.just([7])
        ),
    }
)


def plain(numbers: list[int], records: list[dict[str, Any]], of_one: Any) -> dict[int, Any]:
    found = {number: of_one(record) for number, record in zip(numbers, records, strict=True)}
    return {
        number: None if each is None else tuple(map(trim, each)) for number, each in found.items()
    }


def as_plain(chunk: Registrations) -> dict[int, Any]:
    good = {row["line"]: tuple(row[name] for name in COLUMNS) for row in chunk.rows.to_dicts()}
    return dict(sorted({**good, **dict.fromkeys(chunk.malformed["line"])}.items()))


@settings(max_examples=MANY)
@given(st.one_of(st.lists(of_ours, max_size=4), st.lists(of_the_lake, max_size=4)))
def test_c4_columns_of_any_values_are_what_reading_one_by_one_makes_of_them(records):
    numbers = [3 * at for at in range(len(records))]
    columns = columns_of(records[0]) if records else COLUMNS
    chunk = of_file(numbers, records, columns, "C1")
    assert as_plain(chunk) == plain(numbers, records, lambda each: values_of_record(each, "C1"))
    raws = {
        row["line"]: row["raw"] for part in (chunk.rows, chunk.malformed) for row in part.to_dicts()
    }
    assert raws == {
        number: "\t".join(cells_of(record, columns, "C1"))
        for number, record in zip(numbers, records, strict=True)
    }
    if records and "type" in records[0]:
        from_stream = of_lake(numbers, records)
        assert as_plain(from_stream) == plain(numbers, records, values_of)
        assert set(from_stream.rows["raw"]) <= {""}


def test_c4_control_characters_make_a_record_malformed_and_are_shown_as_their_bytes():
    records = [ROW, ROW | {"member_id": "a\tb\nc\x00\u0085\u00e9"}]
    chunk = of_file([1, 2], records, ("member_id",), "C1")
    assert chunk.rows["line"].to_list() == [1]
    assert chunk.malformed.row(0) == (2, "a\\x09b\\x0ac\\x00\\xc2\\x85\u00e9")


def test_c4_a_record_that_is_far_too_long_is_malformed_and_its_beginning_is_kept():
    long = {"member_id": "m" * 600_000, "email": "e" * 600_000}
    chunk = of_file([1, 2], [ROW, ROW | long], ("member_id", "email"), "C1")
    assert chunk.rows["line"].to_list() == [1]
    assert chunk.malformed.row(0) == (2, f"{'m' * 2_000}\t{'e' * 2_000}")


def test_l1_a_record_of_the_stream_whose_tags_are_no_list_is_malformed():
    chunk = of_lake([5, 7], [LAKE | {"tags": "unconfirmed_phone"}, LAKE])
    assert (chunk.rows["line"].to_list(), chunk.malformed["line"].to_list()) == ([7], [5])
