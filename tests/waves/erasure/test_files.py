"""Files that an erasure passes over, by the keys that the rows of waves name. [X-11, W-3]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from datalake.erased.erasing import Sought
from datalake.storage import buckets
from tests.support.waves import NOW, campaign_with, person, request
from waves.erasure.files import new_keys
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db


def test_x11_the_files_of_a_newer_wave_with_fans_are_named_and_those_of_an_older_one_are_not():
    wave = prepare(request(campaign_with(3)), by=person("ann"), now=NOW).wave
    written = {*buckets.scoring().list("wavePrep/"), *buckets.scoring().list("smsWaves/csv/")}
    nobodys = {wave.status_key}
    before = wave.prepared_at - timedelta(seconds=1)
    assert {*new_keys(Sought("fan-000001", 1, asked_for=before))} >= written - nobodys
    assert [*new_keys(Sought("fan-000001", 1, asked_for=wave.prepared_at))] == []
    assert [*new_keys(Sought("fan-000001", 1))] == []
