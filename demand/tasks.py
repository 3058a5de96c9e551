"""Which stage follows which. A task takes the number of a job and calls one shell."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User

from demand.models import EventUpload
from demand.sources import uploads
from operations import tasks
from operations.job_kinds import JobKind
from operations.models import Job
from operations.schedules import ScheduledRun

JOB_KINDS = [
    JobKind(
        uploads.JOB_KIND,
        "Archive change events",
        uploads.process,
        tidy=uploads.forget_cancelled,
        page="demand-upload",
        right="demand.add_eventupload",
    )
]


def start_upload(upload: EventUpload, *, by: User | None) -> Job:
    """Have a worker archive the file."""
    job = uploads.open_job(upload, by=by)
    tasks.enqueue(job)
    return job


def repair_glue_partitions() -> None:
    """Scheduled for each hour: partitions that Glue did not get, because it was away, are added
    now. [D-8]
    """
    if settings.GLUE_DATABASE:
        from demand.archiving import glue_partitions  # boto3 is not loaded where there is no Glue

        glue_partitions.repair()


SCHEDULED_RUNS = [ScheduledRun("repair_glue_partitions", repair_glue_partitions, every="hour")]
