"""A download needs a reason, is logged, and can run in no spreadsheet. [O-7]"""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from campaigns.models import RegistrationImport
from campaigns.registrations import imports
from console.models import PersonalDataAccess
from datalake.storage import buckets
from tests.console.page_cases import prepared, said
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row
from tests.support.people import client_of, member_of
from waves.models import Wave

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_download_needs_a_reason_and_is_logged_before_it_leaves(client):
    wave = prepared()
    assert (
        "Enter the reason"
        in said(client.post(f"/admin/wave/{wave.name}/download/", follow=True))[0]
    )
    assert not PersonalDataAccess.objects.exists()
    answer = client.post(
        f"/admin/wave/{wave.name}/download/", {"reason": "the label wants the list"}
    )
    assert PersonalDataAccess.objects.get().subject == wave.zip_key
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as made:
        rows = list(csv.reader(io.StringIO(made.read("masterCodes/west.csv").decode())))
    assert len(rows) == 6
    assert all(row[4].startswith("'+1") for row in rows[1:])
    with zipfile.ZipFile(buckets.scoring().open(wave.zip_key)) as kept:
        assert ",+1206" in kept.read("masterCodes/west.csv").decode(), (
            "the machine's file stays verbatim"
        )


def test_a_rejected_cell_of_a_megabyte_does_not_empty_the_download(client):
    """[S-11] Python's own reader of CSV gives up at 131,072 characters."""
    rows = [
        score_row(n, id="x" * 900_000 if n == 2 else "", raw_local_fanscore="no") for n in (1, 2, 3)
    ]
    file = process_scores(make_campaign(), score_file_bytes(rows))
    answer = client.post(
        f"/admin/score-file/{file.pk}/download/", {"which": "rejected", "reason": "to fix the rows"}
    )
    got = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(len(row[0]), row[-1]) for row in got[1:]] == [
        (0, "invalid_score"),
        (900_000, "invalid_score"),
        (0, "invalid_score"),
    ]


def rejected_rows_of(row: bytes, name: str) -> RegistrationImport:
    content = io.BytesIO(b"global_user_id,registered_at\n" + row)
    found = imports.receive(make_campaign(), name, content, by=None)
    return imports.process(imports.open_job(found, by=None).pk)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ('r.html"; x=".csv', r'attachment; filename="r.html\"; x=\".rejected.csv"'),
        ("r\nX-Evil: 1.csv", 'attachment; filename="r_X-Evil: 1.rejected.csv"'),
        ("r\r\n.csv", 'attachment; filename="r__.rejected.csv"'),
        ("Zoë.csv", "attachment; filename*=utf-8''Zo%C3%AB.rejected.csv"),
    ],
)
def test_whatever_a_file_is_called_its_download_has_one_name_and_no_other_header(
    client, name, header
):
    found = rejected_rows_of(b"F1,\n", name)
    answer = client.post(
        f"/admin/registrations/{found.pk}/download/", {"reason": "to fix the rows"}
    )
    assert answer.headers["Content-Disposition"] == header
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize("cell", ["=1+1", "+12065550100", "-2", "@SUM(A1)", "＝1"])
def test_a_rejected_row_cannot_run_in_a_spreadsheet(client, cell):
    found = rejected_rows_of(f"F1,{cell}\n".encode(), "r.csv")
    answer = client.post(
        f"/admin/registrations/{found.pk}/download/", {"reason": "to fix the rows"}
    )
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows == [
        ["global_user_id", "registered_at", "line", "reason"],
        ["F1", f"'{cell}", "2", "malformed_row"],
    ]


def test_w8_whoever_sees_a_wave_reads_its_status_file_which_names_nobody():
    viewer, wave = client_of(member_of("viewer", name="vera")), prepared()
    page = f"/admin/wave/{wave.name}/"
    assert f"{page}status/" in viewer.get(page).content.decode()
    assert viewer.get(f"{page}status/").json()["status"] == "FINISHED"
    Wave.objects.filter(pk=wave.pk).update(status_content="")
    assert viewer.get(f"{page}status/").status_code == 404


def test_o7_the_candidates_of_a_wave_are_personal_data_and_leave_with_a_reason_alone():
    wave = prepared()
    page, asked = f"/admin/wave/{wave.name}/", {"which": "candidates", "reason": "an audit"}
    viewer, operator = (client_of(member_of(role, name=role)) for role in ("viewer", "operator"))
    assert "Candidates (Parquet)" not in viewer.get(page).content.decode()
    assert viewer.post(f"{page}download/", asked).status_code == 403
    assert "Candidates (Parquet)" in operator.get(page).content.decode()
    answer = operator.post(f"{page}download/", asked)
    assert b"".join(answer.streaming_content)[:4] == b"PAR1"
    assert PersonalDataAccess.objects.get().subject == wave.candidates_key
