"""The rejected rows of a registration file have its columns, and line and reason. [C-4, S-11]"""

from __future__ import annotations

import csv
import io

import pytest

from campaigns.errors import CannotCorrect, RowsMissing
from campaigns.models import RegistrationImport, RejectedRegistration
from campaigns.registrations import imports, rejected_file
from campaigns.registrations.corrections import require_imported
from datalake.schemas import SCHEMAS
from datalake.storage import buckets
from operations.choices import JobState
from operations.models import Job
from tests.campaigns.registrations.registration_cases import from_elsewhere, process, receive
from tests.support.avro_files import written
from tests.support.campaigns import make_campaign, registration_row
from tests.support.score_files import read

pytestmark = pytest.mark.django_db(transaction=True)

AT = "2026-01-05T10:00:00Z"


def rejected(content: bytes, **campaign: object) -> list[list[str]]:
    found = process(receive(make_campaign(**campaign), content))
    text = read(found.rejected_key).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 1 + found.rejected
    return rows


def test_c4_of_a_csv_every_rejected_line_comes_back_in_its_columns_the_ignored_ones_too():
    """A line that cannot be cut, for a quote out of place, is whole in the first column."""
    header = b"\xef\xbb\xbfShoe size,Global_User_ID,registered_at,email,Shoe size\r\n"
    rows = [
        b"43,F1,2026-01-05T10:00:00Z,fan1@mail.example,x",
        b'44,F2,yesterday,"fan,2@mail.example",y',
        b"45,F3",
        b"",
        b'46,"F4,2026-01-05T10:00:00Z,fan4@mail.example,z',
        b"47,F5,2026-01-05T10:00:00Z,fan\xff@mail.example,a,b",
        b"48,F6,2026-01-05T10:00:00Z,+1206,=1+1",
        b"49,F1,2026-01-04T10:00:00Z,fan1@mail.example,x",
    ]
    assert rejected(header + b"\r\n".join(rows)) == [
        ["Shoe size", "Global_User_ID", "registered_at", "email", "Shoe size", "line", "reason"],
        ["44", "F2", "yesterday", "fan,2@mail.example", "y", "3", "malformed_row"],
        ["45", "F3", "", "", "", "4", "malformed_row"],
        ["", "", "", "", "", "5", "malformed_row"],
        [rows[4].decode(), "", "", "", "", "6", "malformed_row"],
        ["47", "F5", AT, "fan\\xff@mail.example", "a\tb", "7", "malformed_row"],
        ["48", "F6", AT, "+1206", "=1+1", "8", "no_contact"],
        ["49", "F1", "2026-01-04T10:00:00Z", "fan1@mail.example", "x", "9", "superseded"],
    ]


def test_c4_of_tab_separated_text_a_quote_is_kept_and_too_many_cells_are_in_the_last():
    content = b"global_user_id\tregistered_at\tnote\n"
    content += b'F1\t\t"a\nF2\t2026-01-05T10:00:00Z\tb\tc\n'
    assert rejected(content)[1:] == [
        ["F1", "", '"a', "2", "malformed_row"],
        ["F2", AT, "b\tc", "3", "malformed_row"],
    ]


def test_c4_of_avro_the_fields_are_the_columns_and_the_line_is_the_records_number():
    names = ("note", "global_user_id", "registered_at", "email")
    fields = [{"name": name, "type": ["string", "long"]} for name in names]
    row = {"note": "n", "global_user_id": "F1", "registered_at": AT, "email": "a@mail.example"}
    rows = [row, row | {"email": "no"}, row | {"global_user_id": 7, "note": "a\tb"}]
    content = written({"type": "record", "name": "r", "fields": fields}, rows)
    assert rejected(content) == [
        [*names, "line", "reason"],
        ["n", "F1", AT, "no", "2", "no_contact"],
        ["a\\x09b", "7", AT, "a@mail.example", "3", "malformed_row"],
    ]


def test_c4_of_the_lakes_records_the_columns_are_those_of_a_registration_file():
    campaign = make_campaign("12345")
    record = from_elsewhere(campaign, email="", phone="") | {"memberId": None, "dedupeHash": "0"}
    found = process(receive(campaign, written(dict(SCHEMAS["registration"].avro), [record])))
    (row,) = csv.DictReader(io.StringIO(read(found.rejected_key).decode()))
    assert list(row) == [*registration_row(1), "line", "reason"]
    assert (row["global_user_id"], row["market_preferences"]) == ("fan-1", "east")
    assert (row["line"], row["reason"]) == ("1", "no_contact")


def test_o6_a_worker_killed_before_the_file_is_written_leaves_it_to_the_next_one(monkeypatch):
    found = receive(make_campaign(), b"global_user_id,registered_at\nF1,\n")
    with monkeypatch.context() as patch:
        patch.setattr(rejected_file, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            process(found)
    found.refresh_from_db()
    assert (found.finished, found.rejected_key) == (True, "")
    assert not buckets.scoring().exists(rejected_file.key_of(found))
    found = process(found)
    assert read(found.rejected_key).endswith(b'F1,"",2,malformed_row\n')
    assert Job.objects.get().state == JobState.DONE


def test_c4_the_file_is_there_before_anything_is_published_and_is_offered_no_earlier(monkeypatch):
    offered = []

    def publish(*_: object) -> int:
        key = RegistrationImport.objects.get().rejected_key
        return offered.append(read(key)) or 0

    monkeypatch.setattr(imports, "publish", publish)
    process(receive(make_campaign(), b"global_user_id,registered_at\nF1,\n"))
    assert offered == [b'global_user_id,registered_at,line,reason\nF1,"",2,malformed_row\n']


NAMES = ("note", "global_user_id", "registered_at")
AVRO = written(
    {"type": "record", "name": "r", "fields": [{"name": name, "type": "string"} for name in NAMES]},
    [dict(zip(NAMES, ("n", "F1", ""), strict=True))],
)


@pytest.mark.parametrize(
    ("content", "kept", "lines"),
    [
        (
            b"Note,Global_User_ID,registered_at\nn,F1,\n",
            "n\tF1\t",
            b'Note,Global_User_ID,registered_at,line,reason\nn,F1,"",2,malformed_row\n',
        ),
        (AVRO, "F1", b"global_user_id,line,reason\nF1,2,malformed_row\n"),
    ],
)
def test_c4_a_file_imported_before_its_columns_were_kept_gets_the_file_when_it_comes_again(
    content, kept, lines
):
    """Of Avro only the id was kept."""
    campaign = make_campaign()
    first = process(receive(campaign, content))
    first.rejected_rows.update(line=2, raw=kept)
    RegistrationImport.objects.update(columns=[], rejected_key="")
    buckets.scoring().delete(first.rejected_key)
    first.refresh_from_db()
    with pytest.raises(CannotCorrect, match="Upload the same registration file again"):
        require_imported(first)
    again = receive(campaign, content)
    assert (again.pk, again.finished) == (first.pk, True)
    assert read(process(again).rejected_key) == lines
    require_imported(RegistrationImport.objects.get())
    assert first.rejected_rows.count() == 1


def test_s11_a_file_that_would_lack_rows_is_not_written():
    found = process(receive(make_campaign(), b"global_user_id,registered_at\nF1,\nF2,\n"))
    before = read(found.rejected_key)
    RejectedRegistration.objects.first().delete()  # type: ignore[union-attr]
    with pytest.raises(RowsMissing, match="has 2 rejected rows, but 1 were found"):
        rejected_file.write(found)
    assert read(found.rejected_key) == before
