"""The waiting list by command: under the rights of its page, logged, exported for a reason. [W-5,
O-5, O-7]
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from console.models import PersonalDataAccess
from operations.models import StatusChange
from tests.console.page_cases import prepared
from tests.support.people import member_of
from waves.models import Wave
from waves.selection.waiting_list import waiting_rows

pytestmark = pytest.mark.django_db(transaction=True)


def run(wave: Wave, *arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    named = (wave.campaign.campaign_id, wave.date_key)
    with suppress(SystemExit):  # refused
        call_command("waiting_list", *named, *arguments, "--json", stdout=out, stderr=io.StringIO())
    found = json.loads(out.getvalue().splitlines()[-1])
    found.pop("seconds")
    return found


def test_w5_the_size_of_the_list_and_a_fans_place_are_shown_and_logged():
    wave = prepared()
    by = ("--by", member_of("viewer").username)
    known = {"wave": wave.name, "state": "prepared", "waiting": 20, "outdated": None}
    assert run(wave, *by) == known
    row = list(waiting_rows(wave))[3]
    assert run(wave, "--fan", f" {row[1]} ", *by, "--reason", "the fan called")["fan"] == {
        "global_user_id": row[1],
        "place": 3,
        "markets": ["west", "east"],
        "band_score": float(row[4]),
    }
    assert run(wave, "--fan", "nobody", *by)["fan"] == {
        "global_user_id": "nobody",
        "place": None,
        "markets": [],
        "band_score": None,
    }
    logged = PersonalDataAccess.objects.order_by("pk").values_list("what", "subject", "reason")
    subject = f"waiting list of {wave.name}"
    assert list(logged) == [
        ("found", subject, "the fan called"),
        ("found", subject, "waiting_list"),
    ]
    assert StatusChange.objects.filter(subject_id="waiting_list").count() == 3
    Wave.objects.update(state="cancelled")
    assert run(wave, *by)["outdated"] == "the wave was cancelled"


def test_o7_the_whole_list_is_an_export_with_a_right_of_its_own_and_a_reason(tmp_path: Path):
    wave, file = prepared(), tmp_path / "list.csv"
    output = ("--output", str(file), "--by")
    member_of("viewer", name="vera")
    member_of("operator", name="olga")
    assert "does not have permission" in run(wave, *output, "vera", "--reason", "why not")["error"]
    assert "Enter the reason" in run(wave, *output, "olga")["error"]
    assert not file.exists()
    assert not PersonalDataAccess.objects.exists()
    assert run(wave, *output, "olga", "--reason", "the label asks")["file"] == str(file)
    with file.open(encoding="utf-8", newline="") as text:
        assert list(csv.reader(text)) == [list(row) for row in waiting_rows(wave)]
    assert file.stat().st_mode & 0o777 == 0o600
    assert PersonalDataAccess.objects.get().what == "exported"
    nowhere = str(tmp_path / "no" / "list.csv")
    refused = run(wave, "--output", nowhere, "--by", "olga", "--reason", "the label asks")
    assert "does not exist" in refused["error"]


def test_w5_a_wave_without_a_list_is_refused():
    wave = prepared()
    member_of("viewer", name="vera")
    Wave.objects.update(waiting_key="")
    assert "has no waiting list" in run(wave, "--by", "vera")["error"]
