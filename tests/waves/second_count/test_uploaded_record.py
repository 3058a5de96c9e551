"""The sealed record of an uploaded wave. [X-14]"""

from __future__ import annotations

import zipfile

import polars as pl
import pytest

from tests.support.waves import SALT, campaign_with
from tests.waves.uploads.lists import row, uploaded
from waves.second_count.sealed_record import references
from waves.second_count.uploaded_record import write_upload_facts

pytestmark = pytest.mark.django_db


def test_x14_the_record_names_fans_by_reference_and_says_what_other_waves_hold(ann, tmp_path):
    campaign = campaign_with(6)
    uploaded(campaign, [row(1)], by=ann, key="20260122")
    wave = uploaded(campaign, [row(0)], by=ann)
    accepted = pl.DataFrame(
        {"global_user_id": ["fan-000001", "nobody"], "market_id": ["west", "east"], "place": [1, 2]}
    )
    digest = write_upload_facts(wave, accepted, tmp_path / "facts.zip")
    assert digest == write_upload_facts(wave, accepted, tmp_path / "again.zip")
    with zipfile.ZipFile(tmp_path / "facts.zip") as archive:
        lines = archive.read("rows.tsv").decode().splitlines()
        assert b"fan-0" not in b"".join(map(archive.read, archive.namelist()))
    first, second = references(SALT, ["fan-000001", "nobody"])
    assert lines[1:] == [f"{first}\twest\t1\t0\t1", f"{second}\teast\t0\t0\t0"]
