"""Values of Avro records become text, or make their record malformed. [C-4]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.errors import UnreadableFile, WrongCampaign
from campaigns.formats.registration_records import (
    COLUMNS,
    ignored_fields,
    shown_id,
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


def test_of_a_malformed_record_its_id_is_kept_where_it_is_text():
    assert [shown_id({"global_user_id": each}) for each in (b"F\xff", 7, None, "F" * 9_000)] == [
        "F\\xff",
        "",
        "",
        "F" * 2_000,
    ]
    assert shown_id(LAKE) == "F1"


def test_fields_that_are_no_columns_are_listed():
    assert ignored_fields(ROW | {"shoe_size": 43, "e-mail": ""}) == ("e-mail", "shoe_size")
    assert ignored_fields(LAKE | {"shoe_size": 43}) == ()
