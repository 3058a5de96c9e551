"""Values of Avro records become text, or make their record malformed. [C-4]"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.errors import UnreadableFile, WrongCampaign
from campaigns.formats.registration_records import COLUMNS, columns_of, is_of_lake
from tests.campaigns.formats.plain_records import cells_of

AT = datetime(2026, 1, 5, 10, 0, 0, 250_000, tzinfo=UTC)
ROW = {"global_user_id": "F1", "registered_at": "2026-01-05T10:00:00Z"}
LAKE = {"type": "registration", "campaignId": "C1", "globalUserId": "F1", "date": {"created": AT}}


def test_what_is_no_registration_or_anothers_is_refused():
    with pytest.raises(WrongCampaign, match="for campaign C2, not C1"):
        is_of_lake(LAKE | {"campaignId": "C2"}, "C1")
    with pytest.raises(WrongCampaign, match="for campaign None"):
        is_of_lake(LAKE | {"campaignId": 7}, "C1")
    for other in ({}, {"global_user_id": "F1"}, LAKE | {"type": 7}, LAKE | {"date": "now"}):
        with pytest.raises(UnreadableFile, match="contains no registrations"):
            is_of_lake(other, "C1")


def test_c4_a_record_is_shown_by_its_fields_as_text_of_one_line():
    record = ROW | {"shoe_size": 43, "email": b"a\xff", "member_id": "a\tb\nc\x00\u0080\u00e9"}
    record |= {"phone": None, "market_preferences": ["west", b"east"], "phone_confirmed": True}
    record["date_created"] = AT
    assert dict(
        zip(columns_of(record), cells_of(record, columns_of(record), "C1"), strict=True)
    ) == {
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
    shown = dict(zip(columns_of(record), cells_of(record, COLUMNS, "C1"), strict=True))
    assert (shown["global_user_id"], shown["phone_confirmed"]) == ("F1", "yes")
    assert shown["registered_at"] == shown["date_created"] == "2026-01-05T10:00:00.250000+00:00"


def test_c4_of_a_record_that_is_far_too_long_the_beginning_is_kept():
    cells = cells_of(ROW | {"member_id": "x" * 1_100_000}, ("global_user_id", "member_id"), "C1")
    assert cells == ["F1", "x" * 2_000]


def test_c4_a_field_that_is_a_column_but_for_its_case_is_refused_by_name():
    with pytest.raises(UnreadableFile, match=r"a field Email\. Write field names in lower"):
        columns_of(ROW | {"Email": "fan@mail.example"})
