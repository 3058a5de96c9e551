"""Which stage follows which: jobs for workers, and the bell. Each runner takes a job's id and calls one shell. [O-6]"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.utils import timezone

from operations import jobs
from operations.models import Job
from operations.tasks import ring
from waves import asking, preparation, schedule, sending
from waves.models import Wave
from waves.moves import subject_of, wave_named
from waves.planning import WaveRequest

SEND_KIND = "send_wave"
RUNNERS = {asking.JOB_KIND: "waves.tasks.run_preparation", SEND_KIND: "waves.tasks.run_sending"}


def start_preparation(request: WaveRequest, *, by: User, expedite: str = "") -> Job:
    """Ask for a preparation and let a worker do it. Raises what `asking.ask` raises; then nothing is written."""
    job = asking.ask(request, by=by, now=timezone.now(), expedite=expedite)
    ring(job)
    return job


def run_preparation(job_id: int) -> None:
    preparation.run(job_id, now=timezone.now())


def wake_senders(waves: Iterable[Wave]) -> None:
    """Open a sending job for each triggered wave, unless one is live, and ring for it."""
    for wave in waves:
        ring(jobs.open_job(SEND_KIND, subject_of(wave)))


def run_sending(job_id: int) -> None:
    """Finish the trigger if it was cut off, then send what is left of the wave."""
    wave = wave_named(Job.objects.get(pk=job_id).subject.partition(":")[2])
    with jobs.working(job_id):
        schedule.hand_over(wave, now=timezone.now())
        sending.send_wave(wave.pk)
