"""A download needs a reason, is logged, and can run in no spreadsheet. [O-7]"""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from campaigns.models import RegistrationImport, RejectedRegistration
from console.models import PersonalDataAccess
from datalake.storage import buckets
from tests.console.page_cases import prepared, said
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("cell", ["=1+1", "+12065550100", "-2", "@SUM(A1)", "\tx", "＝1"])
def test_a_rejected_row_cannot_run_in_a_spreadsheet(client, cell):
    campaign = campaign_with(fans=1)
    found = RegistrationImport.objects.create(
        campaign=campaign, name="r.csv", key="k", sha256="0" * 64, finished=True
    )
    RejectedRegistration.objects.create(
        registration_import=found, line=2, reason="malformed_row", raw=cell
    )
    answer = client.post(
        f"/admin/registrations/{found.pk}/download/", {"reason": "to mend the rows"}
    )
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows[1] == ["2", "malformed_row", f"'{cell}"]
