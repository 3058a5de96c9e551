"""Real processes, really killed: what a SIGKILL leaves behind is locks, open claims, half-done
merges and archives.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection

from datalake import archive
from datalake.models import Claim, LakeFile, Merge
from tests.datalake.test_merge import ids, readable_ids
from tests.support.lake import lake_bytes, publish_scores

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    "call",
    [
        "datalake.storage.buckets:DiskBucket.put",
        "datalake.catalogue:enter_saved",
        "datalake.avro.container:merge",
        "datalake.catalogue:switch",
        "datalake.storage.buckets:DiskBucket.copy",
        "datalake.storage.buckets:DiskBucket.delete",
    ],
)
def test_whatever_is_killed_the_next_process_ends_with_each_record_once(call, bucket_folders):
    """[L-2, L-3, L-4, L-5, T-1]"""
    for number in range(3):
        publish_scores(20, first=number * 20, key=f"scorefile:{number}")

    def road(*arguments):
        environment = os.environ | {"CAMPAIGN_DATA_BUCKET": str(bucket_folders / "campaign-data")}
        command = [
            sys.executable,
            "-m",
            "tests.datalake.road",
            connection.settings_dict["NAME"],
            *arguments,
        ]
        return subprocess.run(
            command, env=environment, capture_output=True, timeout=60, check=False
        )

    assert road(call).returncode == -signal.SIGKILL
    if not Merge.objects.filter(state="merged").exists():
        after = road()
        assert after.returncode == 0, after.stderr.decode()
    archive.archive(Merge.objects.get().pk)
    assert readable_ids() == ids(60)
    assert set(Claim.objects.values_list("state", flat=True)) == {"done"}
    assert sorted(LakeFile.objects.values_list("state", flat=True)) == ["archived", "merged"]
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))
