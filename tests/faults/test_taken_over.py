"""A worker that hangs is taken over after its lease. When it wakes, nothing that it still does
changes what the next one made. Real processes, stopped at named points. [O-6, S-12]
"""

from __future__ import annotations

import pytest

from campaigns.models import Campaign, ScoreFile
from campaigns.scoring import score_files
from operations import jobs, tasks
from operations.choices import JobState
from operations.models import Job
from tests.support.campaigns import make_campaign, process_scores, receive_scores
from tests.support.processes import Process
from tests.support.score_files import everything_of, messy, read, start_over
from tests.support.waiting import wait_until

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
