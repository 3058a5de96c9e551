"""Rows of erased fans do not stay in an uploaded list. [X-11, W-3]"""

from __future__ import annotations

import pytest

from datalake.erased.fans import mark
from datalake.storage import buckets
from tests.support.waves import campaign_with, counted, members_of
from tests.waves.uploads.lists import row, uploaded
from waves.models import WaveUpload

pytestmark = pytest.mark.django_db


def test_x11_from_the_moment_that_it_is_asked_for_a_fan_is_in_no_uploaded_wave(ann, root):
    campaign = campaign_with(6)
    mark("fan-000001")
    rows = [row(0), row(1), row(1), row(2)]
    wave = uploaded(campaign, rows, by=ann)
    assert list(members_of(wave)) == ["fan-000000", "fan-000002"]
    about = WaveUpload.objects.get(wave=wave)
    assert about.rejected_by == {"erased": 1, "duplicate": 1}
    for key in (about.key, wave.rejected_key):
        content = buckets.scoring().open(key).read()
        assert b"fan-000001" not in content
        assert b"fan1@" not in content
    assert b"fan-000002,m-2,west" in buckets.scoring().open(about.key).read()
    assert counted(wave).count_problems == []
