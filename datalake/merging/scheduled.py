"""All past days or months are merged as a job. A period that fails does not hold up the others, and
it fails the job. [L-3, O-1, O-2]
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils import timezone

from datalake.merging import merge, past_periods
from operations import alerts, jobs, leases
from operations.errors import Refusal
from operations.models import Job
from operations.subjects import Subject

JOB_KIND = "merge_lake"
DAYS, MONTHS = Subject("lake", "days"), Subject("lake", "months")


def open_job(*, monthly: bool, by: User | None) -> Job:
    """The job that merges every past month, or day; the live one if there is one."""
    return jobs.open_job(JOB_KIND, MONTHS if monthly else DAYS, by=by)


def run(job_id: int) -> None:
    """Merge what the job asks for; its ledger counts periods.

    A refused period raises an alert. Raises the OSError of a period, or of the lake's list, when
    all other periods are merged: the job then failed, and says so.
    """
    job = Job.objects.get(pk=job_id)
    monthly = job.subject == MONTHS
    with leases.working(job_id) as lease:

        def on_period(done: int, total: int) -> None:
            lease.check_stop()
            lease.report_progress(done, total)

        merges, failures = past_periods.merge_past(
            merge.enabled_types(), monthly=monthly, now=timezone.now(), on_period=on_period
        )
        faults = [failure for failure in failures if isinstance(failure, OSError)]
        if not job.retries:  # a run with a fault is repeated, its refusals are not
            for refusal in failures:
                if isinstance(refusal, Refusal):
                    alerts.alert(f":warning: A merge was refused: {refusal}")
        if faults:
            raise faults[0]
        periods = len(merges) + len(failures)
        leases.finish(
            lease,
            rows_in=periods,
            rows_out=len(merges),
            rows_rejected=len(failures),
            progress=periods,
            total=periods,
        )
