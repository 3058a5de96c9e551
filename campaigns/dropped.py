"""Score files that another service put into the scoring bucket, at `scored/{campaign_id}.{timestamp}.txt`. [S-1]

Each is taken in by a job of its own, named for key and size: a file that was refused is refused once, not each minute, and one
that still grew is found again with its new size.
"""

import logging
from collections.abc import Callable

from campaigns.models import ScoreFile
from campaigns.opening import campaign_of
from campaigns.reception import NAME, receive
from datalake import storage
from operations import jobs
from operations.models import Job

logger = logging.getLogger(__name__)

JOB = "take_dropped_file"
FOLDER = "scored/"
STEADY_SECONDS = 2.0  # a file that grows meanwhile is still being written


def open_jobs() -> list[Job]:
    """A job for each file in the bucket that no score file and no earlier job is about."""
    bucket = storage.scoring()
    named = [key for key in bucket.list(FOLDER) if NAME.fullmatch(key.removeprefix(FOLDER))]
    known = set(ScoreFile.objects.filter(key__in=named).values_list("key", flat=True))
    subjects = [f"dropped:{bucket.size(key)}:{key}" for key in named if key not in known]
    looked_at = set(Job.objects.filter(kind=JOB, subject__in=subjects).values_list("subject", flat=True))
    return [jobs.open_job(JOB, subject) for subject in subjects if subject not in looked_at]


def take(job_id: int, *, wait: Callable[[float], object]) -> ScoreFile | None:
    """Take the job's file in as a score file of the campaign it is named for; None if it is still being written.

    Raises what `receive` raises, UnknownCampaign and NoSuchObject; the job then says why.
    """
    _, size, key = Job.objects.get(pk=job_id).subject.split(":", 2)
    bucket, name = storage.scoring(), key.removeprefix(FOLDER)
    with jobs.working(job_id):
        wait(STEADY_SECONDS)
        if bucket.size(key) != int(size):
            logger.info("dropped file still grows", extra={"key": key})
            return None
        campaign = campaign_of(name.partition(".")[0])
        with bucket.open(key) as file:
            return receive(campaign, name, file, by=None).score_file
