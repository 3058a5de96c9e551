"""Which stage follows which. A task takes the number of a job and calls one shell."""

from django.contrib.auth.models import User

from demand import uploads
from demand.models import EventUpload
from operations import jobs, tasks
from operations.models import Job

RUNNERS: dict[str, str] = {uploads.JOB: "demand.uploads.process"}
jobs.CANCELLED[uploads.JOB] = uploads.forget_cancelled


def start_upload(upload: EventUpload, *, by: User | None) -> Job:
    """Have a worker archive the file."""
    job = uploads.open_job(upload, by=by)
    tasks.ring(job)
    return job
