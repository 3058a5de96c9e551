"""One period is merged and archived by hand, as jobs. [L-3, L-5, O-1]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from datalake import archive
from datalake.errors import BadPeriod, NoFiles, NotMerged, TypeNotEnabled
from datalake.layout import Period
from datalake.merging import by_hand, merge
from datalake.models import LakeFile, Merge
from operations import leases
from operations.choices import JobState
from operations.models import Job
from tests.datalake.lake_cases import DAY, Killed, ids, readable_ids, save_loose

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return User.objects.create(username="ann")


def test_l3_a_period_is_merged_as_a_job_whose_ledger_counts_records(ann):
    save_loose(2, 3)
    job = by_hand.ask_for_merge("scoring", DAY, by=ann)
    assert by_hand.ask_for_merge("scoring", DAY, by=ann) == job
    by_hand.run_merge(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_in, job.rows_out, job.percent) == (JobState.DONE, 5, 5, 100)
    assert job.pace["step"] == "Copying records"
    assert readable_ids() == ids(5)


def test_o1_progress_is_told_before_each_file_and_a_pause_stops_there_and_goes_on(ann, monkeypatch):
    save_loose(2, 3)
    job = by_hand.ask_for_merge("scoring", DAY, by=ann)
    seen = []

    def report(lease, done, total):
        seen.append((done, total))
        Job.objects.filter(pk=job.pk).update(stop_requested="pause")

    monkeypatch.setattr(leases.Lease, "report_progress", report)
    by_hand.run_merge(job.pk)
    job.refresh_from_db()
    assert (job.state, seen) == (JobState.PAUSED, [(0, 5)])
    assert not LakeFile.objects.filter(generation__gt=0).exists()
    assert Merge.objects.get().state == "fragmented"  # not being merged by anybody
    monkeypatch.undo()
    assert by_hand.ask_for_merge("scoring", DAY, by=ann) == job
    by_hand.run_merge(job.pk)
    assert readable_ids() == ids(5)


def test_l3_a_refused_merge_fails_its_job_in_one_sentence(ann):
    job = by_hand.ask_for_merge("scoring", DAY, by=ann)
    with pytest.raises(NoFiles):
        by_hand.run_merge(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error.count(". ")) == (JobState.FAILED, 0)
    assert "There is nothing to merge" in job.error
    with pytest.raises(TypeNotEnabled, match="Merging is not enabled for 'sale'"):
        by_hand.ask_for_merge("sale", DAY, by=ann)


def test_o6_a_job_that_is_killed_after_its_merge_is_done_when_it_runs_again(ann, monkeypatch):
    save_loose(2, 3)
    job = by_hand.ask_for_merge("scoring", DAY, by=ann)
    real = merge.merge_period

    def killed(*about, **more):
        real(*about, **more)
        raise Killed

    monkeypatch.setattr(merge, "merge_period", killed)
    with pytest.raises(Killed):
        by_hand.run_merge(job.pk)
    monkeypatch.setattr(merge, "merge_period", real)
    by_hand.run_merge(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_in, job.rows_out) == (JobState.DONE, 5, 5)


def test_l5_originals_are_archived_by_hand_once_their_merge_is_done(ann):
    with pytest.raises(NotMerged, match="Merge the period first"):
        by_hand.ask_for_archives("scoring", DAY, by=ann)
    save_loose(2, 3)
    merge.merge_period("scoring", DAY)
    for period in (DAY, DAY.month_period):
        (job,) = by_hand.ask_for_archives("scoring", period, by=ann)
    archive.run_archive(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_out) == (JobState.DONE, 2)
    assert Merge.objects.get().state == "archived"
    with pytest.raises(NotMerged):
        by_hand.ask_for_archives("scoring", DAY, by=ann)


def test_a_job_names_its_period():
    assert by_hand.named("scoring/2026-01") == ("scoring", Period(2026, 1))
    with pytest.raises(BadPeriod):
        by_hand.named("scoring")
