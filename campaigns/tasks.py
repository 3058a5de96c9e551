"""Which stage follows which. A task takes the number of a job and calls one shell."""

import time
from typing import BinaryIO

from django.contrib.auth.models import User

from campaigns import dropped, registrations, scorefiles, supplements
from campaigns.choices import ScoreFileState
from campaigns.models import Campaign, RegistrationImport, ScoreFile
from operations import tasks
from operations.models import Job

RUNNERS = {
    scorefiles.JOB: "campaigns.scorefiles.process",
    registrations.JOB: "campaigns.registrations.process",
    dropped.JOB: "campaigns.tasks.run_dropped",
    supplements.JOB: "campaigns.tasks.run_supplement",
}


def start_score_file(score_file: ScoreFile, *, by: User | None) -> Job:
    """Have a worker process the file."""
    job = scorefiles.open_job(score_file, by=by)
    tasks.ring(job)
    return job


def start_registrations(found: RegistrationImport, *, by: User | None) -> Job:
    """Have a worker import the file."""
    job = registrations.open_job(found, by=by)
    tasks.ring(job)
    return job


def start_waiting(campaign: Campaign, *, by: User | None) -> list[Job]:
    """The public value is there: have workers draw the files that waited for it."""
    return [start_score_file(score_file, by=by) for score_file in scorefiles.release_waiting(campaign)]


def look_for_dropped_files() -> None:
    """Scheduled for each minute: files that another service put into the scoring bucket are taken up. [S-1]"""
    for job in dropped.open_jobs():
        tasks.ring(job)


def run_dropped(job_id: int) -> None:
    """Take a dropped file in, then have it processed."""
    score_file = dropped.take(job_id, wait=time.sleep)
    if score_file is not None and score_file.state == ScoreFileState.UPLOADED:
        start_score_file(score_file, by=None)


def start_supplement(parent: ScoreFile, file: BinaryIO, *, by: User | None, activate: bool) -> Job:
    """Keep a corrected file of rejected rows, and have a worker make the supplement of it. [S-14]"""
    job = supplements.keep(parent, file, by=by, activate=activate)
    tasks.ring(job)
    return job


def run_supplement(job_id: int) -> None:
    """Make the supplement, then have it processed."""
    score_file = supplements.process(job_id)
    if score_file is not None and score_file.state in (ScoreFileState.UPLOADED, ScoreFileState.FAILED):
        start_score_file(score_file, by=score_file.created_by)
