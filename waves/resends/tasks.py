"""Sending a code again as a job: asked for by a person, taken up by a worker. [X-12, O-6]"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from django.contrib.auth.models import User

from operations import jobs, leases
from operations.errors import JobBusy
from operations.models import Job
from operations.tasks import enqueue
from waves.choices import SendState
from waves.lifecycle import subject_of, wave_named
from waves.models import Resend
from waves.resends import send
from waves.resends.ask import Wanted, ask

JOB_KIND: Final = "resend"


def start(wanted: Wanted, *, by: User) -> list[Resend]:
    """Write down that a fan's code is sent again, and have a worker send it. Raises what
    `ask` raises. [X-12]
    """
    found = ask(wanted, by=by)
    enqueue(jobs.open_job(JOB_KIND, subject_of(found[0].wave), by=by))
    return found


def send_here(wanted: Wanted, *, by: User) -> list[Resend]:
    """The same here and now; a worker goes on where this process is killed."""
    found = ask(wanted, by=by)
    job = jobs.open_job(JOB_KIND, subject_of(found[0].wave), by=by)
    with suppress(JobBusy):
        run(job.pk)
    return list(Resend.objects.filter(request=wanted.request).order_by("pk"))


def run(job_id: int) -> None:
    """Send what is to be sent again of the job's wave."""
    wave = wave_named(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        counts = send.send(wave.pk)
        sent, total = counts.get(SendState.SENT, 0), sum(counts.values())
        lease.update(rows_in=total, rows_out=sent, rows_rejected=total - sent)


def wake() -> None:
    """What is to be sent again and has no worker gets one; of a cancelled wave nothing is. [N-6,
    O-6]
    """
    send.end_cancelled()
    for wave in send.waves_with_resends():
        enqueue(jobs.open_job(JOB_KIND, subject_of(wave)))
