"""A worker that hangs is taken over after its lease. When it wakes, nothing that it still does
changes what the next one made. Real processes, stopped at named points. [O-6, S-12]
"""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Campaign, Registrant, ScoreFile
from campaigns.scoring import score_files
from datalake import archive
from datalake.merging import scheduled
from datalake.models import LakeFile, Merge
from datalake.storage import buckets
from operations import jobs, tasks
from operations.choices import JobState
from operations.errors import JobBusy
from operations.models import Job
from tests.datalake.lake_cases import ids, readable_ids, save_loose
from tests.support.campaigns import make_campaign, process_scores, receive_scores
from tests.support.lake import lake_bytes
from tests.support.processes import Process
from tests.support.score_files import everything_of, messy, read, start_over
from tests.support.waiting import wait_until
from tests.support.waves import KEY, NOW, approve, campaign_with, members_of, person, request
from tests.waves.preparation.test_prepare import status_of
from waves.actions import reset
from waves.errors import AlreadyRunning
from waves.lifecycle import wave_named
from waves.models import Code, Wave
from waves.naming import zip_key
from waves.preparation import status_files
from waves.preparation.prepare import run
from waves.preparation.submission import submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

SHORT_LEASE = {"django.conf:settings.JOB_LEASE_SECONDS": 1}
SMALL_CHUNKS = {"campaigns.formats.score_rows:read_chunks.__defaults__": (500,)}


def worker(job: Job, **options: object) -> Process:
    """A worker process that takes up the job."""
    return Process(tasks.run_job, job.pk, constants=SHORT_LEASE | SMALL_CHUNKS, **options)


def wait_for_lease_to_end(job: Job) -> None:
    wait_until(lambda: job in jobs.without_worker(), "the end of a lease")


def undisturbed(campaign: Campaign) -> dict[str, object]:
    """What the file leads to in peace; then all is forgotten."""
    made = everything_of(process_scores(campaign, messy()))
    start_over(campaign)
    return made


def test_who_wakes_while_the_next_one_publishes_takes_none_of_its_rows_away(settings):
    """It was stopped between two chunks; it clears its own folder, not that of the job."""
    settings.JOB_LEASE_SECONDS = 1
    campaign = make_campaign()
    made = undisturbed(campaign)
    score_file = receive_scores(campaign, messy())
    job = score_files.open_job(score_file, by=None)
    first = worker(job, stopped_at="campaigns.scoring.judging:_write", nth=3)
    first.expect_stopped()
    wait_for_lease_to_end(job)
    second = worker(job, halted_at="campaigns.scoring.publishing:_write_files")
    second.expect("halted")
    first.wake()
    assert first.wait() == 0, first.errors
    second.go_on()
    assert second.wait() == 0, second.errors
    assert everything_of(score_file) == made
    assert score_file.streamed == score_file.roster_size == score_file.accepted > 0
    assert read(score_file.scrubbed_key).count(b"\n") == score_file.accepted + 1
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.DONE, 2)
    assert ScoreFile.objects.get().campaign.active_score_file == score_file


def wave_files(campaign: Campaign) -> dict[str, str]:
    """The checksum of each file that lies in the bucket of the campaign's waves, but the status."""
    bucket = buckets.scoring()
    return {
        key: bucket.sha256(key) for key in bucket.list(f"wavePrep/{campaign.campaign_id}/prepped/")
    }


def test_a_preparation_that_was_taken_over_changes_no_file_of_the_prepared_wave(settings):
    """[W-8, W-9] It holds the locks of wave and campaign, and selected other fans."""
    settings.JOB_LEASE_SECONDS = 1
    campaign, ann = campaign_with(60, {"west": 20}), person("ann")
    job = submit(request(campaign), by=ann, now=NOW)
    first = worker(job, stopped_at="waves.preparation.prepare:wave_zip")
    first.expect_stopped()
    best = Registrant.objects.filter(campaign=campaign, global_user_id="fan-000059")
    best.delete()
    wait_for_lease_to_end(job)
    wave = run(job.pk, now=NOW)
    made = wave_files(campaign)
    first.wake()
    assert first.wait() == 0, first.errors
    assert wave_files(campaign) == made
    assert len(made) == 5  # the zip twice, candidates, waiting list and facts
    assert buckets.scoring().sha256(wave.zip_key) == buckets.scoring().sha256(
        zip_key(campaign.campaign_id, KEY)
    )
    wave.refresh_from_db()
    job.refresh_from_db()
    assert (wave.state, wave.attempts, wave.selected) == ("prepared", 2, 20)
    assert (job.state, job.attempt, job.rows_out) == (JobState.DONE, 2, 20)
    assert set(members_of(wave).values()) == set(
        Code.objects.filter(state="reserved").values_list("code", flat=True)
    )


def test_a_merger_that_was_taken_over_writes_over_no_file_and_switches_nothing(settings):
    """[L-3, L-4] Its file was about to appear when its lease ended; a late file came, the next one merged
    all of them, and the originals were archived.
    """
    settings.JOB_LEASE_SECONDS = 1
    count = save_loose(30, 20)
    job = scheduled.open_job(monthly=False, by=None)
    first = worker(job, stopped_at="pathlib:Path.replace")
    first.expect_stopped()
    save_loose(10, first=count)
    wait_for_lease_to_end(job)
    scheduled.run(job.pk)
    done = Merge.objects.get()
    archive.archive(done.pk)
    made = lake_bytes()
    first.wake()
    first.wait()
    assert lake_bytes() == made
    assert readable_ids() == ids(60)
    assert set(made) == set(LakeFile.objects.values_list("key", flat=True))
    job.refresh_from_db()
    assert (job.state, job.attempt, done.files) == (JobState.DONE, 2, 3)
    assert Merge.objects.get().state == "archived"


def killed_after_its_commit(campaign: Campaign) -> tuple[Job, Wave]:
    """The wave is prepared; what others read of it is missing."""
    job = submit(request(campaign), by=person("ann"), now=NOW)
    first = worker(job, killed_at="waves.preparation.status_files:put_right_if_reachable")
    assert first.wait() == -signal.SIGKILL
    return job, wave_named(job.subject_id)


def test_a_preparation_killed_after_its_commit_is_done_and_a_sweep_writes_its_files():
    """[W-9]"""
    campaign = campaign_with(60, {"west": 20})
    job, wave = killed_after_its_commit(campaign)
    assert (wave.state, status_of(campaign)["status"]) == ("prepared", "TRIGGERED")
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error) == (JobState.DONE, 1, "")
    assert (job.rows_in, job.rows_out, job.rows_rejected) == (60, 20, 40)
    wait_until(lambda: status_files.sweep() == 1, "the lock of the dead")
    assert status_of(campaign)["status"] == "FINISHED"
    assert buckets.scoring().exists(zip_key(campaign.campaign_id, KEY))
    assert Wave.objects.get().attempts == 1


def test_a_preparation_killed_after_its_commit_and_reset_is_not_prepared_again(settings):
    """[W-9] A person decides what comes next."""
    settings.JOB_LEASE_SECONDS = 1
    campaign = campaign_with(60, {"west": 20})
    job, wave = killed_after_its_commit(campaign)
    wait_until(lambda: _reset(wave), "the lock of the dead")
    Job.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert (jobs.without_worker(), jobs.give_up()) == ([], 0)
    with pytest.raises(JobBusy):
        run(job.pk, now=NOW)
    assert (Wave.objects.get().state, Wave.objects.get().attempts) == ("configured", 0)


def _reset(wave: Wave) -> bool:
    try:
        return bool(reset(wave, by=person("root", superuser=True), reason="another market"))
    except AlreadyRunning:
        return False
