"""What the catalogue says of the lake's files, and what the database holds it to. [L-4, L-9]"""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from datalake import catalogue, save
from datalake.choices import FileState
from datalake.merging import merge
from datalake.models import (
    LakeFile,
    LakePartition,
    Merge,
)
from tests.datalake.lake_cases import DAY, save_loose
from tests.support.lake import publish_scores, read_with_polars, scoring_frame

pytestmark = pytest.mark.django_db


def test_the_catalogue_admits_one_merged_file_a_period():
    """[L-4]"""
    save_loose(3)
    merge.merge_period("scoring", DAY)
    twin = LakeFile.objects.get(state=FileState.MERGED)
    twin.pk, twin.key, twin.generation = None, "another", 2
    with pytest.raises(IntegrityError, match="lakefile_one_merged"):
        twin.save()


def test_the_database_refuses_a_merge_that_lost_records():
    """[L-3]"""
    with pytest.raises(IntegrityError, match="merge_ledger"):
        Merge.objects.create(
            record_type="scoring",
            period="2026-01-20",
            generation=1,
            state="merged",
            records_in=2,
            records_out=1,
        )


def test_all_frames_of_a_day_are_found_again_after_merging():
    save_loose(40, 2)
    merge.merge_period("scoring", DAY)
    [file] = catalogue.readable_files("scoring", DAY)
    assert (
        read_with_polars(file.key)
        .sort("globalUserId")
        .equals(scoring_frame(42).sort("globalUserId"))
    )


def test_a_partition_keeps_count_and_content_hash_of_all_its_records():
    """[L-9]"""
    publish_scores(100, key="a")
    save.save("scored")
    publish_scores(50, first=100, key="b")
    save.save("scored")
    partition = LakePartition.objects.get()
    assert partition.records == 150
    hashes = [int(file.content_hash, 16) for file in LakeFile.objects.all()]
    assert len(hashes) == 2
    assert int(partition.content_hash, 16) == sum(hashes) % 2**256
