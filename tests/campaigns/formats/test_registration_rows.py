"""Registration files as CSV, tab-separated text and Avro become rows. [C-4]"""

from __future__ import annotations

import io
import json
from pathlib import Path

import fastavro
import pytest

from campaigns.errors import UnreadableFile, WrongCampaign
from campaigns.models import Registrant, RegistrationImport
from datalake import records
from tests.campaigns.registrations.registration_cases import (
    from_elsewhere,
    process,
    reasons,
    receive,
)
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
            b"global_user_id,registered_at,email,member_id",
            b'1,2026-01-05T10:00:00+01:00,a@b.example,"x, ""y"""',
            b'"2\n",2026-01-05T10:00:00Z,c@b.example,m',
            b"3,2026-01-05T10:00:00Z,c\xff@b.example,m",
            b"",
            b"4,2026-01-05T10:00:00Z,d@b.example,m",
        ]
    )
    found = process(receive(campaign, content))
    assert reasons(found) == [(3, "malformed_row"), (5, "malformed_row"), (6, "malformed_row")]
    assert found.rejected_rows.get(line=5).raw.split("\t")[2] == "c\\xff@b.example"
    assert dict(Registrant.objects.values_list("global_user_id", "member_id")) == {
        "1": 'x, "y"',
        "4": "m",
    }


def test_avro_files_are_read_in_the_lakes_shape_and_in_ours():
    campaign = make_campaign("12345")
    record = from_elsewhere(campaign, email="a@b.example") | {
        "memberId": None,
        "dedupeHash": "0" * 64,
    }
    lake = io.BytesIO()
    fastavro.writer(lake, registration_schema(), [record])
    ours = io.BytesIO()
    fields = [{"name": name, "type": ["null", "string"]} for name in REGISTRATION_COLUMNS]
    rows = [registration_row(7), registration_row(8, member_id="a\x00b")]
    fastavro.writer(ours, {"type": "record", "name": "r", "fields": fields}, rows)
    process(receive(campaign, lake.getvalue()))
    found = process(receive(campaign, ours.getvalue()))
    assert reasons(found) == [(2, "malformed_row")]
    preferences = dict(Registrant.objects.values_list("email", "preferences"))
    assert preferences == {"a@b.example": ["east"], "fan7@mail.example": ["west", "east"]}
    other = io.BytesIO()
    fastavro.writer(
        other,
        {"type": "record", "name": "r", "fields": [{"name": "x", "type": "string"}]},
        [{"x": "y"}],
    )
    with pytest.raises(UnreadableFile, match="no registrations"):
        receive(campaign, other.getvalue())


def test_c4_avro_records_of_another_campaign_or_type_are_refused_as_a_whole():
    campaign = make_campaign("12345")
    record = from_elsewhere(campaign) | {"memberId": None, "dedupeHash": "0" * 64}
    for wrong, error in (
        ({"campaignId": "99999"}, WrongCampaign),
        ({"type": "scoring"}, UnreadableFile),
    ):
        avro = io.BytesIO()
        fastavro.writer(avro, registration_schema(), [record | wrong])
        with pytest.raises(error):
            receive(campaign, avro.getvalue())
    assert not RegistrationImport.objects.exists()


def registration_schema() -> dict:
    (path,) = (Path(records.__file__).parent / "schemas").glob("registration*.avsc")
    return json.loads(path.read_text())
