"""One period is merged: its states, its switch, who wins. [L-3, L-4, O-6]"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import OperationalError, connection, connections

from datalake import catalogue
from datalake.avro import container
from datalake.choices import FileState, MergeState
from datalake.errors import (
    MergeBusy,
    NoFiles,
    TypeNotEnabled,
)
from datalake.merging import contents, merge
from datalake.models import LakeFile, LakePartition, Merge
from datalake.storage import buckets
from operations.database.locks import exclusive
from operations.models import Job
from tests.datalake.lake_cases import (
    DAY,
    Killed,
    die,
    ids,
    readable_ids,
    save_loose,
)
from tests.support.lake import lake_bytes

pytestmark = pytest.mark.django_db


def test_many_files_become_one_with_the_same_records():
    """[L-3, L-6, L-9]"""
    save_loose(3_000, 10, 1)
    done = merge.merge_period("scoring", DAY)
    [file] = catalogue.readable_files("scoring", DAY)
    assert file.key == "avro/scoring/merged/2026/01/20/scoring_2026_01_20.g1.avro"
    assert readable_ids() == ids(3_011)
    assert (done.state, done.files, done.records_in, done.records_out) == (
        MergeState.MERGED,
        3,
        3_011,
        3_011,
    )
    assert file.content_hash == LakePartition.objects.get().content_hash
    with buckets.campaign_data().open(file.key) as source:
        assert container.read_header(source).summary == container.Summary(
            3_011, int(file.content_hash, 16)
        )


def test_the_statistics_say_what_the_merge_did():
    """[L-7]"""
    save_loose(100, 100)
    before = sum(LakeFile.objects.values_list("bytes", flat=True))
    done = merge.merge_period("scoring", DAY)
    assert (done.bytes_before, done.bytes_after) == (
        before,
        buckets.campaign_data().size(done.merged_key),
    )


def test_a_period_without_files_is_refused():
    """[L-3]"""
    with pytest.raises(NoFiles, match="avro/scoring/2026/01/20/"):
        merge.merge_period("scoring", DAY)
    save_loose(5)
    merge.merge_period("scoring", DAY)
    with pytest.raises(NoFiles, match="already one merged file"):
        merge.merge_period("scoring", DAY)


def test_a_type_that_is_not_enabled_is_refused(settings):
    """[L-3]"""
    settings.MERGE_RECORD_TYPES = ["registration"]
    save_loose(5, 5)
    with pytest.raises(TypeNotEnabled, match="registration"):
        merge.merge_period("scoring", DAY)
    assert not Merge.objects.exists()


@pytest.mark.parametrize(
    "where",
    [
        "datalake.merging.contents.check_sources",
        "datalake.avro.container.merge",
        "datalake.merging.contents.check_result",
        "datalake.catalogue.switch",
        "datalake.merging.merge.ask_for_archive",
    ],
)
def test_a_merge_killed_anywhere_is_taken_up_and_ends_the_same(monkeypatch, where):
    """[L-3, L-4, O-6] Under a name of its own: what was killed may only seem so."""
    count = save_loose(30, 30)
    with monkeypatch.context() as patched:
        patched.setattr(where, die)
        with pytest.raises(Killed):
            merge.merge_period("scoring", DAY)
    assert readable_ids() == ids(60)
    save_loose(5, first=count)
    done = merge.merge_period("scoring", DAY)
    assert (done.generation, done.attempt, done.files) == (2, 2, 3)
    assert readable_ids() == ids(65)
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))


def test_a_file_saved_while_a_merge_runs_stays_readable_and_waits_for_the_next(monkeypatch):
    """[L-4]"""
    count = save_loose(30, 30)
    copy_blocks = contents.write_merged

    def meanwhile(*args):
        save_loose(4, first=count)
        return copy_blocks(*args)

    monkeypatch.setattr("datalake.merging.contents.write_merged", meanwhile)
    assert merge.merge_period("scoring", DAY).files == 2
    assert readable_ids() == ids(64)
    assert sorted(file.state for file in catalogue.readable_files("scoring", DAY)) == [
        FileState.LOOSE,
        FileState.MERGED,
    ]


def test_an_attempt_that_was_overtaken_switches_nothing(monkeypatch):
    """[L-4]"""
    save_loose(30, 30)
    copy_blocks = contents.write_merged

    def meanwhile(*args):
        Merge.objects.update(attempt=99)
        return copy_blocks(*args)

    monkeypatch.setattr("datalake.merging.contents.write_merged", meanwhile)
    with pytest.raises(MergeBusy):
        merge.merge_period("scoring", DAY)
    assert set(LakeFile.objects.values_list("state", flat=True)) == {FileState.LOOSE}
    # what it wrote is gone
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))


@pytest.mark.django_db(transaction=True)
def test_who_lost_the_answer_to_its_commit_deletes_nothing_that_counts(monkeypatch):
    """[L-4, O-6]"""
    save_loose(30, 30)
    commit, last_step = connection.commit, merge.ask_for_archive

    def without_answer() -> None:
        commit()
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patched:

        def and_then(done: Merge) -> Job:
            patched.setattr(connection, "commit", without_answer)
            return last_step(done)

        patched.setattr(merge, "ask_for_archive", and_then)
        with pytest.raises(OperationalError):
            merge.merge_period("scoring", DAY)
    assert Merge.objects.get().state == MergeState.MERGED
    assert readable_ids() == ids(60)


def test_a_file_whose_writing_broke_off_may_yet_appear_and_the_next_attempt_has_another(
    monkeypatch,
):
    """[L-3] The bucket did not answer: what it was sent may come late, under its own name."""
    save_loose(30, 30)
    with monkeypatch.context() as patched:
        patched.setattr(contents, "check_result", lambda *_: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError, match="away"):
            merge.merge_period("scoring", DAY)
    assert merge.merge_period("scoring", DAY).generation == 2
    assert readable_ids() == ids(60)
    assert set(lake_bytes()) == set(LakeFile.objects.values_list("key", flat=True))


def test_an_attempt_that_ended_while_it_was_taken_up_is_not_begun_again(monkeypatch):
    """[L-4] The row says MERGED by the time that it is locked."""
    save_loose(30, 30)
    with monkeypatch.context() as patched:
        patched.setattr("datalake.catalogue.switch", die)
        with pytest.raises(Killed):
            merge.merge_period("scoring", DAY)
    killed = Merge.objects.get()
    Merge.objects.filter(pk=killed.pk).update(state=MergeState.MERGED, records_out=60)
    assert merge._begin("scoring", DAY).generation == killed.generation + 1
    killed.refresh_from_db()
    assert (killed.state, killed.attempt) == (MergeState.MERGED, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_merges_at_once_one_wins():
    """[L-3]"""
    save_loose(30, 30)

    def attempt(_):
        try:
            return merge.merge_period("scoring", DAY).generation
        except (MergeBusy, NoFiles) as refusal:
            return type(refusal)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, range(2)))
    assert results.count(1) == 1
    assert readable_ids() == ids(60)


def test_a_busy_period_is_refused_at_once():
    """[L-3]"""
    save_loose(3)
    other = connection.copy()
    with (
        closing(other),
        exclusive("merge:scoring:2026-01", using=other),
        pytest.raises(MergeBusy),
    ):
        merge.merge_period("scoring", DAY)


def test_merging_is_enabled_for_the_three_campaign_types():
    """[L-3]"""
    assert set(merge.enabled_types()) == {"registration", "scoring", "codeAssignment"}
