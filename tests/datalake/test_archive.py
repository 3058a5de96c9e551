from __future__ import annotations

import pytest

from datalake import archive
from datalake.choices import FileState, MergeState
from datalake.errors import ArchiveCorrupt, NotMerged
from datalake.layout import Period
from datalake.merging import merge
from datalake.models import LakeFile, Merge
from datalake.storage import buckets
from operations.choices import JobState
from operations.models import Job
from tests.datalake.lake_cases import Killed, ids, put_foreign, readable_ids, save_loose, valid
from tests.support.lake import lake_bytes

pytestmark = pytest.mark.django_db

DAY = Period(2026, 1, 20)


@pytest.fixture
def merged():
    save_loose(30, 20, 10)
    return merge.merge_period("scoring", DAY)


def loose():
    return {
        key: content for key, content in lake_bytes().items() if key.startswith("avro/scoring/2026")
    }


def archived():
    return {
        key: content for key, content in lake_bytes().items() if key.startswith("avro/archived/")
    }


def moved(before):
    return {
        key.replace("avro/scoring/", "avro/archived/scoring/"): content
        for key, content in before.items()
    }


def test_a_merge_asks_for_its_archive_by_a_job(merged):
    """[L-5]"""
    job = Job.objects.get()
    assert (job.kind, job.subject, job.state) == (
        "archive_merge",
        ("merge", str(merged.pk)),
        JobState.QUEUED,
    )
    archive.run_archive(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_in, job.rows_out) == (JobState.DONE, 3, 3)


def test_the_sources_move_to_the_archive_under_their_own_names(merged):
    """[L-5]"""
    before = loose()
    assert archive.archive(merged.pk) == 3
    assert archived() == moved(before)
    assert loose() == {}
    assert readable_ids() == ids(60)
    assert Merge.objects.get().state == MergeState.ARCHIVED
    assert archive.archive(merged.pk) == 3


@pytest.mark.parametrize(
    "spoil", [lambda content: content[:-1], lambda content: bytes([content[0] ^ 1]) + content[1:]]
)
def test_one_corrupt_copy_and_nothing_is_deleted(merged, monkeypatch, spoil):
    """[L-5]"""
    before = loose()
    bucket = buckets.campaign_data()
    victim = sorted(moved(before))[-1]
    bucket.put(victim, spoil(moved(before)[victim]))
    with pytest.raises(ArchiveCorrupt, match=victim):
        archive.archive(merged.pk)
    assert loose() == before
    assert set(LakeFile.objects.values_list("state", flat=True)) == {
        FileState.SUPERSEDED,
        FileState.MERGED,
    }
    bucket.delete(victim)
    archive.archive(merged.pk)
    assert archived() == moved(before)


def test_an_original_that_is_not_what_was_written_is_not_archived(merged):
    """[L-5]"""
    victim = min(loose())
    buckets.campaign_data().put(victim, b"x" * buckets.campaign_data().size(victim))
    with pytest.raises(ArchiveCorrupt):
        archive.archive(merged.pk)
    assert victim in loose()


@pytest.mark.parametrize("step", ["copy", "sha256", "delete"])
@pytest.mark.parametrize("calls", [0, 1, 2])
def test_an_archive_killed_anywhere_ends_the_same(merged, monkeypatch, step, calls):
    """[L-5]"""
    before = loose()
    real = getattr(buckets.DiskBucket, step)
    left = [calls]

    def dying(*args):
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(*args)

    with monkeypatch.context() as patched:
        patched.setattr(buckets.DiskBucket, step, dying)
        with pytest.raises(Killed):
            archive.archive(merged.pk)
    kept = loose()
    assert all(kept[key] == before[key] for key in kept)
    if kept != before:  # something was deleted, so every copy had been verified
        assert archived() == moved(before)
    assert archive.archive(merged.pk) == 3
    assert archived() == moved(before)
    assert loose() == {}


def test_a_merged_file_of_an_older_generation_is_archived_with_the_rest(merged):
    """[L-5]"""
    archive.archive(merged.pk)
    save_loose(5, first=60)
    again = merge.merge_period("scoring", DAY)
    assert archive.archive(again.pk) == 2
    assert "avro/archived/scoring/2026/01/20/scoring_2026_01_20.g1.avro" in archived()
    assert readable_ids() == ids(65)
    assert not buckets.campaign_data().exists(merged.merged_key)


def test_the_original_of_a_foreign_file_is_archived_too():
    """[L-5]"""
    put_foreign("theirs", [valid(1)])
    original = lake_bytes()["avro/registration/2026/01/20/theirs.avro"]
    done = merge.merge_period("registration", DAY)
    archive.archive(done.pk)
    assert archived()["avro/archived/registration/2026/01/20/theirs.avro"] == original


def test_an_archive_that_failed_is_asked_for_again(merged):
    """[L-5]"""
    failed = Job.objects.get()
    Job.objects.update(state=JobState.FAILED, error="the bucket is away")
    assert [(job.pk, job.state) for job in archive.waiting_jobs()] == [(failed.pk, JobState.QUEUED)]
    archive.run_archive(failed.pk)
    assert archive.waiting_jobs() == []


def test_what_is_not_merged_is_not_archived():
    """[L-5]"""
    unfinished = Merge.objects.create(record_type="scoring", period="2026-01-20", generation=1)
    with pytest.raises(NotMerged):
        archive.archive(unfinished.pk)
