"""Values of Avro records become text, or make their record malformed. [C-4]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.errors import UnreadableFile, WrongCampaign
from campaigns.formats.registration_records import (
    COLUMNS,
    cells_of,
    columns_of,
    values_of,
    values_of_record,
)

AT = datetime(2026, 1, 5, 10, 0, 0, 250_000, tzinfo=UTC)
ROW = {"global_user_id": "F1", "registered_at": "2026-01-05T10:00:00Z"}
LAKE = {"type": "registration", "campaignId": "C1", "globalUserId": "F1", "date": {"created": AT}}


def read(**values):
    found = values_of_record(ROW | values, "C1")
    return None if found is None else dict(zip(COLUMNS, found, strict=True))


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
    found = dict(zip(COLUMNS, values_of_record(LAKE, "C1"), strict=True))
    assert (found["global_user_id"], found["phone_confirmed"]) == ("F1", "no")
    assert found["registered_at"] == "2026-01-05T10:00:00.250000+00:00"
    assert values_of(LAKE | {"tags": "unconfirmed_phone"}) is None
    confirmed = COLUMNS.index("phone_confirmed")
    with_phone = LAKE | {"phone": "+12065550100", "type": b"registration", "campaignId": b"C1"}
    assert values_of_record(with_phone | {"tags": None}, "C1")[confirmed] == "yes"
    assert values_of_record(with_phone | {"tags": ["unconfirmed_phone"]}, "C1")[confirmed] == "no"


def test_what_is_no_registration_or_anothers_is_refused():
    with pytest.raises(WrongCampaign, match="for campaign C2, not C1"):
        values_of_record(LAKE | {"campaignId": "C2"}, "C1")
    with pytest.raises(WrongCampaign, match="for campaign None"):
        values_of_record(LAKE | {"campaignId": 7}, "C1")
    for other in ({}, {"global_user_id": "F1"}, LAKE | {"type": 7}, LAKE | {"date": "now"}):
        with pytest.raises(UnreadableFile, match="contains no registrations"):
            values_of_record(other, "C1")


def test_c4_a_record_is_shown_by_its_fields_as_text_of_one_line():
    record = ROW | {"shoe_size": 43, "email": b"a\xff", "member_id": "a\tb\nc\x00\u0080\u00e9"}
    record |= {"phone": None, "market_preferences": ["west", b"east"], "phone_confirmed": True}
    record["date_created"] = AT
    assert dict(zip(columns_of(record), cells_of(record, columns_of(record)), strict=True)) == {
        **ROW,
        "shoe_size": "43",
        "email": "a\\xff",
        "member_id": "a\\x09b\\x0ac\\x00\\xc2\\x80\u00e9",
        "phone": "",
        "market_preferences": "west|east",
        "phone_confirmed": "yes",
        "date_created": "2026-01-05T10:00:00.250000+00:00",
    }


def test_c4_a_record_of_the_lakes_shape_is_shown_by_our_columns_whatever_its_tags():
    record = LAKE | {"phone": "+12065550100", "tags": 7}
    shown = dict(zip(columns_of(record), cells_of(record, COLUMNS), strict=True))
    assert (shown["global_user_id"], shown["phone_confirmed"]) == ("F1", "yes")
    assert shown["registered_at"] == shown["date_created"] == "2026-01-05T10:00:00.250000+00:00"


def test_c4_of_a_record_that_is_far_too_long_the_beginning_is_kept():
    cells = cells_of(ROW | {"member_id": "x" * 1_100_000}, ("global_user_id", "member_id"))
    assert cells == ["F1", "x" * 2_000]


def test_c4_a_field_that_is_a_column_but_for_its_case_is_refused_by_name():
    with pytest.raises(UnreadableFile, match=r"a field Email\. Write field names in lower"):
        columns_of(ROW | {"Email": "fan@mail.example"})
