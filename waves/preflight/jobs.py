"""Pre-flights as jobs: after each preparation, and whenever somebody asks. [X-6, O-6]"""

from __future__ import annotations

from django.contrib.auth.models import User

from operations import jobs, leases
from operations.choices import JobState
from operations.models import Job
from waves.lifecycle import subject_of, wave_named
from waves.models import Preflight, Wave
from waves.preflight import run
from waves.preflight.clearance import PREFLIGHT_STATES, current_run, unchecked

JOB_KIND = "preflight_wave"


def open_job(wave: Wave, *, by: User | None) -> Job:
    """The job that runs the wave's pre-flight: the live one, or a new one."""
    return jobs.open_job(JOB_KIND, subject_of(wave), by=by)


def last_job(wave: Wave) -> Job | None:
    """The job of the wave's last pre-flight, also one that waits, is at work, or failed."""
    return Job.objects.about(subject_of(wave)).filter(kind=JOB_KIND).order_by("-id").first()


def may_begin(last: Job | None) -> bool:
    """Whether a new one may begin by itself after this one: it does not wait, is not at work, and
    did not fail, or it would fail again and again.
    """
    return last is None or last.state in (JobState.DONE, JobState.CANCELLED)


def run_job(job_id: int) -> None:
    """Run the pre-flight of the job's wave; nothing is left to do where it is not prepared any
    more.
    """
    job = Job.objects.select_related("created_by").get(pk=job_id)
    with leases.working(job_id):
        wave = wave_named(job.subject_id)
        if wave.state in PREFLIGHT_STATES:
            run.preflight(wave, by=job.created_by)


def preflight_here(wave: Wave, *, by: User | None) -> Preflight:
    """The wave's pre-flight of the present content, run here and now unless the last one is recent
    and has no red line. Raises what `preflight` raises.
    """
    last = current_run(wave)
    return last if last and not last.reds else run.preflight(wave, by=by)


def open_missing_jobs() -> None:
    """Each minute: a prepared wave whose present content has no pre-flight gets one that may
    begin.
    """
    for wave in unchecked().order_by("id"):
        if may_begin(last_job(wave)):
            open_job(wave, by=None)
