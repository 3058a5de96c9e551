"""Real processes, really killed: what a SIGKILL leaves behind is locks, open claims, half-done
merges and archives.
"""

from __future__ import annotations

import signal

import pytest
from django.core.management import call_command

from datalake import archive
from datalake.models import Claim, LakeFile, Merge
from tests.datalake.lake_cases import ids, readable_ids
from tests.support.lake import lake_bytes, publish_scores
from tests.support.processes import Process

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def save_and_merge() -> None:
    call_command("consume", "lake", "--once")
    call_command("merge_avro", "--prefix", "avro/scoring/2026/01/20")


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("datalake.storage.buckets:DiskBucket.put", marks=pytest.mark.full),
        "datalake.catalogue:enter_saved",
        pytest.param("datalake.avro.container:merge", marks=pytest.mark.full),
        "datalake.catalogue:switch",
        pytest.param("datalake.storage.buckets:DiskBucket.copy", marks=pytest.mark.full),
        "datalake.storage.buckets:DiskBucket.delete",
    ],
)
def test_whatever_is_killed_the_next_process_ends_with_each_record_once(call):
    """[L-2, L-3, L-4, L-5, T-1]"""
    for number in range(3):
        publish_scores(20, first=number * 20, key=f"scorefile:{number}")

    assert Process(save_and_merge, killed_at=call).wait() == -signal.SIGKILL
    if not Merge.objects.filter(state="merged").exists():
        after = Process(save_and_merge)
        assert after.wait() == 0, after.errors
    archive.archive(Merge.objects.get().pk)
    assert readable_ids() == ids(60)
    assert set(Claim.objects.values_list("state", flat=True)) == {"done"}
    assert sorted(LakeFile.objects.values_list("state", flat=True)) == ["archived", "merged"]
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))
