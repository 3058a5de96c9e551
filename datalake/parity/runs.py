"""Database and lake are compared as a job, each day; it alerts where they differ. [O-1, X-9]"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User

from datalake.parity import check
from datalake.parity.check import Parity
from datalake.parity.comparison import Compared
from operations import alerts, jobs, leases
from operations.models import Job
from operations.plurals import plural
from operations.subjects import Subject

JOB_KIND = "check_parity"
LAKE = Subject("lake", "parity")
PAGE = "/admin/lake/parity/"
MOST_NAMED = 5


def open_job(*, read_files: bool = False, by: User | None = None) -> Job:
    """The job that compares all of the lake; the live one if there is one."""
    return jobs.open_job(JOB_KIND, LAKE, by=by, arguments={"read_files": read_files})


def run(job_id: int) -> None:
    """Compare; the job's ledger counts periods, and those that differ are its rejected ones."""
    job = Job.objects.get(pk=job_id)
    with leases.working(job_id) as lease:
        found = check.check(
            read_files=bool(job.arguments.get("read_files")), on_step=lease.check_stop
        )
        if not found.ok:
            alerts.alert(_alert(found))
        periods, same = len(found.partitions), sum(each.ok for each in found.partitions)
        leases.finish(
            lease,
            rows_in=periods,
            rows_out=same,
            rows_rejected=periods - same,
            progress=periods,
            total=periods,
        )


def _alert(found: Parity) -> str:
    differing = [each for each in found.partitions if not each.ok]
    named = "".join(f"\n• {_line(each)}" for each in differing[:MOST_NAMED])
    more = len(differing) - MOST_NAMED
    rest = f"\n• {more:,} more" if more > 0 else ""
    return (
        f":red_circle: Database and lake differ in {plural(len(differing), 'period')}:{named}{rest}"
        f"\n{settings.SITE_URL}{PAGE}"
    )


def _line(each: Compared) -> str:
    database, lake = each.database.content, each.lake
    what = (
        "the same number of records with other content"
        if database.records == lake.records
        else f"{database.records:,} records in the database, {lake.records:,} in the lake"
    )
    return f"{each.record_type} {each.period}: {each.error or what}"
