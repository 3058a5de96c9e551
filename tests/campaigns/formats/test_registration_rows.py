"""Registration files as CSV, tab-separated text and Avro become rows. [C-4]"""

from __future__ import annotations

import io

import pytest

from campaigns.errors import UnreadableFile, WrongCampaign
from campaigns.formats import registration_rows
from campaigns.models import Registrant, RegistrationImport
from datalake.schemas import SCHEMAS
from tests.campaigns.registrations.registration_cases import (
    from_elsewhere,
    process,
    reasons,
    receive,
)
from tests.support.avro_files import written
from tests.support.campaigns import (
    REGISTRATION_COLUMNS,
    import_registrations,
    make_campaign,
    registration_row,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_in_tab_separated_files_a_quote_or_a_cr_is_nothing_special():
    campaign = make_campaign()
    rows = [
        registration_row(1, member_id='"m'),
        registration_row(2, member_id="a\rb"),
        registration_row(3, member_id="x" * 5_000_000),
    ]
    found = import_registrations(campaign, [*rows, registration_row(4)], separator="\t")
    assert reasons(found) == [(3, "malformed_row"), (4, "malformed_row")]
    assert dict(Registrant.objects.values_list("global_user_id", "member_id")) == {
        "fan-1": '"m',
        "fan-4": "member-4",
    }


def test_quoted_csv_may_hold_commas_and_rows_that_are_not_utf8_are_malformed():
    campaign = make_campaign()
    content = b"\xef\xbb\xbf" + b"\r\n".join(
        [
            b'"global_user_id",registered_at,email,member_id',
            b'1,2026-01-05T10:00:00+01:00,a@b.example,"x, ""y"""',
            b'"2\n",2026-01-05T10:00:00Z,c@b.example,m',
            b"3,2026-01-05T10:00:00Z,c\xff@b.example,m",
            b"",
            b"4,2026-01-05T10:00:00Z,d@b.example,m",
        ]
    )
    found = process(receive(campaign, content))
    assert reasons(found) == [(number, "malformed_row") for number in (3, 4, 5, 6)]
    assert found.rejected_rows.get(line=5).raw.split("\t")[2] == "c\\xff@b.example"
    assert dict(Registrant.objects.values_list("global_user_id", "member_id")) == {
        "1": 'x, "y"',
        "4": "m",
    }


HEADER = b"global_user_id,email,phone,country_code,registered_at"


def line(number: int, **changes: str) -> bytes:
    cells = {"id": f"F{number}", "email": f"fan{number}@mail.example", "at": "2026-01-05T10:00:00Z"}
    return "{id},{email},,US,{at}".format_map(cells | changes).encode()


def imported(*lines: bytes, end: bytes = b"\n") -> RegistrationImport:
    return process(receive(make_campaign(), b"".join(each + end for each in (HEADER, *lines))))


def fans() -> list[str]:
    return list(
        Registrant.objects.order_by("global_user_id").values_list("global_user_id", flat=True)
    )


@pytest.mark.parametrize(
    "stray", [line(2, email='"fan2@mail.example'), line(2, at='"2026-01-05T10:00:00Z')]
)
def test_c4_a_stray_quote_spoils_its_own_line_and_every_line_is_in_the_ledger(stray):
    found = imported(line(1), stray, line(3), line(4), line(5))
    assert (found.rows_in, found.accepted, reasons(found)) == (5, 4, [(3, "malformed_row")])
    assert fans() == ["F1", "F3", "F4", "F5"]


def test_c4_no_line_inside_a_quoted_field_is_taken_for_a_row_and_each_is_in_the_ledger():
    """A fan who writes a registration of somebody else into a remark registers nobody."""
    found = imported(
        line(1), line(2, at='"2026-01-05T10:00:00Z'), line(3), line(4, at='x"'), line(5)
    )
    assert reasons(found) == [(number, "malformed_row") for number in (3, 4, 5)]
    assert (found.rows_in, fans()) == (5, ["F1", "F5"])


@pytest.mark.parametrize("separator", [b",", b"\t"])
def test_c4_lines_that_end_with_cr_alone_are_refused_in_one_sentence(separator):
    content = b"\r".join([HEADER, line(1), line(2)]).replace(b",", separator) + b"\r"
    with pytest.raises(UnreadableFile, match="end with CR alone"):
        process(receive(make_campaign(), content))
    assert not Registrant.objects.exists()


def test_c4_a_workbook_is_refused_in_one_sentence():
    with pytest.raises(UnreadableFile, match="first line cannot be read"):
        process(receive(make_campaign(), b"PK\x03\x04\x14\rX,b\n"))


def test_c4_columns_are_known_whatever_their_case_and_the_others_are_listed():
    content = b"Global_User_ID,Email, Shoe size ,REGISTERED_AT,e-mail\n"
    content += b"F1,fan1@mail.example,43,2026-01-05T10:00:00Z,\n"
    found = process(receive(make_campaign(), content))
    assert (found.rejected_by, found.tagged_by) == ({}, {"missing_phone": 1})
    assert found.ignored_columns == ["Shoe size", "e-mail"]


def test_s2_zero_width_characters_at_either_end_of_any_field_make_no_other_fan():
    spellings = ["F1", "F1\u200b", "\ufeffF1", "\u200d\u2060 F1\u00a0\u200c"]
    found = imported(
        *(line(1, id=spelling, at="2026-01-05T10:00:00Z\u200b") for spelling in spellings)
    )
    assert (found.rows_in, found.accepted, found.rejected_by) == (4, 1, {"superseded": 3})
    assert fans() == ["F1"]


def test_avro_files_are_read_in_the_lakes_shape_and_in_ours():
    campaign = make_campaign("12345")
    record = from_elsewhere(campaign, email="a@b.example") | {
        "globalUserId": "\u200bfan-1 ",
        "memberId": None,
        "dedupeHash": "0" * 64,
    }
    fields = [{"name": name, "type": ["null", "string"]} for name in REGISTRATION_COLUMNS]
    fields.append({"name": "shoe_size", "type": "int", "default": 43})
    rows = [registration_row(7), registration_row(8, member_id="a\x00b")]
    ours = written({"type": "record", "name": "r", "fields": fields}, rows)
    process(receive(campaign, written(dict(SCHEMAS["registration"].avro), [record])))
    found = process(receive(campaign, ours))
    assert (reasons(found), found.ignored_columns) == ([(2, "malformed_row")], ["shoe_size"])
    assert found.rejected_rows.get().raw.split("\t")[:2] == ["fan-8", "a\\x00b"]
    preferences = dict(Registrant.objects.values_list("email", "preferences"))
    assert preferences == {"a@b.example": ["east"], "fan7@mail.example": ["west", "east"]}
    assert fans() == ["fan-1", "fan-7"]


def test_c4_avro_records_of_another_campaign_or_type_are_refused_as_a_whole():
    campaign = make_campaign("12345")
    record = from_elsewhere(campaign) | {"memberId": None, "dedupeHash": "0" * 64}
    for wrong, error in (
        ({"campaignId": "99999"}, WrongCampaign),
        ({"type": "scoring"}, UnreadableFile),
    ):
        content = written(dict(SCHEMAS["registration"].avro), [record, record | wrong])
        with pytest.raises(error):
            process(receive(campaign, content))
    assert not Registrant.objects.exists()


def test_a_chunk_of_avro_rows_ends_at_so_many_bytes(monkeypatch):
    monkeypatch.setattr(registration_rows, "BYTES_AT_A_TIME", 1_000)
    fields = [{"name": name, "type": "string"} for name in ("global_user_id", "registered_at")]
    rows = [{"global_user_id": "f" * 400, "registered_at": ""}] * 7
    content = written({"type": "record", "name": "r", "fields": fields}, rows)
    chunks = registration_rows.read(io.BytesIO(content), "12345")
    assert [chunk.rows.height for chunk in chunks] == [3, 3, 1]
