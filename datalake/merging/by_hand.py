"""One day or month of one type is merged, or its originals archived, because a person asked: as a
job with progress. [L-3, L-5, O-1]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from datalake import archive, layout
from datalake.choices import MergeState
from datalake.errors import NoFiles, NotMerged
from datalake.layout import Period
from datalake.merging import merge
from datalake.models import Merge
from operations import jobs, leases
from operations.models import Job
from operations.subjects import Subject

JOB_KIND = "merge_period"
COPYING = "Copying records"


def subject_of(record_type: str, period: Period) -> Subject:
    return Subject("lake", f"{record_type}/{period}")


def named(subject_id: str) -> tuple[str, Period]:
    """Record type and period of `scoring/2026-01-20`. Raises BadPeriod."""
    record_type, _, period = subject_id.partition("/")
    return record_type, layout.parse_period(period)


def ask_for_merge(record_type: str, period: Period, *, by: User) -> Job:
    """The job that merges this period, over or not; the live one if there is one. Raises
    TypeNotEnabled.
    """
    merge.require_enabled(record_type)
    job = jobs.open_job(JOB_KIND, subject_of(record_type, period), by=by)
    jobs.requeue(job.pk)  # one that was paused goes on
    return job


def run_merge(job_id: int) -> None:
    """Merge the period that the job names; its ledger counts records. Raises what a merge
    refuses.
    """
    job = Job.objects.get(pk=job_id)
    record_type, period = named(job.subject_id)
    with leases.working(job_id) as lease:
        lease.step("Checking files")

        def on_records(done: int, total: int) -> None:
            lease.check_stop()
            if not done:
                lease.step(COPYING, rows=total, progress=0, total=total)
            lease.report_progress(done, total)

        try:
            done = merge.merge_period(record_type, period, on_records=on_records)
        except NoFiles:
            if (made := _made_before(job)) is None:
                raise
            done = made
        leases.finish(
            lease,
            rows_in=done.records_in,
            rows_out=done.records_out,
            progress=done.records_out,
            total=done.records_out,
        )


def _made_before(job: Job) -> Merge | None:
    """What an earlier attempt of the job had merged when it was killed."""
    if job.started_at is None:
        return None
    record_type, period = named(job.subject_id)
    made = Merge.objects.filter(
        record_type=record_type, period=str(period), merged_at__gte=job.started_at
    )
    return made.order_by("-merged_at").first()


def ask_for_archives(record_type: str, period: Period, *, by: User | None) -> list[Job]:
    """The jobs that archive the originals of this period's merges, those that failed included; for
    a day, also of its month's, for a month, also of its days'. Raises NotMerged if nothing waits.
    """
    waiting = waiting_merges(record_type, period)
    if not waiting:
        raise NotMerged(
            f"{record_type} {period} has no merge whose originals wait for the archive. Merge the"
            " period first."
        )
    return [
        jobs.open_or_requeue(archive.JOB_KIND, archive.subject_of(each), by=by) for each in waiting
    ]


def waiting_merges(record_type: str, period: Period) -> list[Merge]:
    """Merges of the period whose originals are not archived yet, oldest first."""
    merges = Merge.objects.filter(record_type=record_type, state=MergeState.MERGED)
    periods = [str(each) for each in (*layout.days_of(period), period.month_period)]
    return list(merges.filter(period__in=periods).order_by("merged_at", "pk"))
