"""Which stage follows which: a merge's archive is rung for, and the scheduled merges run here.
[L-3, L-5]
"""

from __future__ import annotations

from django.utils import timezone
from django_q.tasks import async_task

from datalake import archive, merge
from datalake.models import Merge
from operations import alerts
from operations.choices import JobState
from operations.models import Job
from operations.tasks import ring

RUNNERS = {archive.JOB_KIND: "datalake.archive.run_archive"}


def ring_for_archives(merges: list[Merge]) -> None:
    """Wake workers for the archives that these merges asked for."""
    subjects = [f"merge:{each.pk}" for each in merges]
    for job in Job.objects.filter(
        kind=archive.JOB_KIND, subject__in=subjects, state=JobState.QUEUED
    ):
        ring(job)


def ask_for_merges(*, monthly: bool) -> None:
    """Have a worker do now what is scheduled: a merge that is done, or being done, is not done
    again.
    """
    async_task(
        "datalake.tasks.merge_monthly" if monthly else "datalake.tasks.merge_daily",
        q_options={"save": False},
    )


def merge_daily() -> None:
    """Scheduled for 10:00 UTC."""
    _merge_past(monthly=False)


def merge_monthly() -> None:
    """Scheduled for day 2 at 09:00 UTC."""
    _merge_past(monthly=True)


def _merge_past(*, monthly: bool) -> None:
    merges, refusals = merge.merge_past(merge.enabled_types(), monthly=monthly, now=timezone.now())
    ring_for_archives(merges)
    for refusal in refusals:
        alerts.alert(f":warning: A lake merge was refused: {refusal}")
