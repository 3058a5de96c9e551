"""Which stage follows which: jobs for workers. Each runner takes a job's id and calls
one shell. [O-6]
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from operations import jobs, leases
from operations.errors import JobBusy
from operations.job_kinds import JobKind
from operations.models import Job
from operations.schedules import ScheduledRun
from operations.tasks import enqueue, run_job
from waves import schedule
from waves.codes import imports, partner_codes
from waves.deadlines import warnings
from waves.figures import kept
from waves.lifecycle import require_state, subject_of
from waves.models import CodeImport, Rehearsal, Wave
from waves.preflight import jobs as preflights
from waves.preflight.clearance import PREFLIGHT_STATES
from waves.preparation import config_files, prepare, status_files, submission
from waves.rehearsal import rehearse, trial_messages
from waves.resends import tasks as resends
from waves.review import notices
from waves.second_count import count
from waves.selection.request import WaveRequest
from waves.sending import (
    results,
)
from waves.sending import tasks as sending
from waves.uploads import dropped, upload
from waves.uploads import submission as uploads
from waves.uploads.submission import Submitted

logger = logging.getLogger(__name__)

REHEARSE_KIND = "rehearse_wave"
PREPARE_RIGHT = "waves.prepare_wave"
APPROVE_RIGHT, UPLOAD_RIGHT = "waves.approve_wave", "waves.upload_wave"


def start_preparation(
    request: WaveRequest,
    *,
    by: User,
    expedite: str = "",
    reason: str = "",
    previewed_digest: str = "",
) -> Job:
    """Submit a wave and let a worker prepare it. Raises what `submission.submit` raises; then
    nothing is written.
    """
    job = submission.submit(
        request,
        by=by,
        now=timezone.now(),
        expedite=expedite,
        reason=reason,
        previewed_digest=previewed_digest,
    )
    enqueue(job)
    return job


def run_preparation(job_id: int) -> None:
    """Prepare the wave, and have it counted and checked by the same worker. [X-14, X-6]"""
    wave = prepare.run(job_id, now=timezone.now())
    run_job(count.open_job(wave).pk)
    run_job(preflights.open_job(wave, by=None).pk)


def start_preflight(wave: Wave, *, by: User) -> Job:
    """Have a worker run the wave's pre-flight. Raises WrongState where it is not prepared. [X-6]"""
    require_state(wave, *PREFLIGHT_STATES)
    job = preflights.open_job(wave, by=by)
    enqueue(job)
    return job


def start_code_import(found: CodeImport, *, by: User) -> Job:
    """Have a worker import a code file."""
    job = imports.open_job(found, by=by)
    enqueue(job)
    return job


def run_count(job_id: int) -> None:
    """Count the wave a second time, and tell approvers that it waits for them. [X-14, X-5]"""
    count.run(job_id)
    notify_approvers()


def notify_approvers() -> None:
    """Have a worker e-mail the approvers of each wave that waits for one and has told none."""
    for job in notices.open_notices():
        enqueue(job)


def start_upload(submitted: Submitted, *, by: User) -> Job:
    """Submit a list of fans and let a worker take it in. Raises what `submission.submit` of uploads
    raises; then nothing is written. [W-3]
    """
    job = uploads.submit(submitted, by=by, now=timezone.now())
    enqueue(job)
    return job


def run_upload(job_id: int) -> None:
    """Take the list in, and have the wave counted by the same worker. [X-14]"""
    wave = upload.run(job_id, now=timezone.now())
    run_job(count.open_job(wave).pk)


def run_dropped(job_id: int) -> None:
    """Take up a config that another service put into the bucket, then have its list taken in."""
    job = dropped.take(job_id, now=timezone.now())
    if job is not None:
        enqueue(job)


def start_rehearsal(wave: Wave, *, by: User) -> Rehearsal:
    """Have a worker rehearse the wave. Raises WrongState. [X-6]"""
    rehearsal = rehearse.begin(wave, by=by)
    enqueue(_rehearsal_job(rehearsal, by))
    return rehearsal


def rehearse_here(wave: Wave, *, by: User) -> dict[str, Any]:
    """Rehearse the wave here and now; a worker goes on where this process is killed. [X-6]"""
    rehearsal = rehearse.begin(wave, by=by)
    job = _rehearsal_job(rehearsal, by)
    with suppress(JobBusy), leases.working(job.pk) as lease:
        result = rehearse.rehearse(rehearsal.pk)
        sending.record_counts(lease, result)
        return result
    return rehearse.rehearse(rehearsal.pk)


def _rehearsal_job(rehearsal: Rehearsal, by: User) -> Job:
    subject = subject_of(rehearsal.wave)
    return jobs.open_job(REHEARSE_KIND, subject, by=by, arguments={"rehearsal": rehearsal.pk})


def run_rehearsal(job_id: int) -> None:
    """Send what is left of the job's rehearsal."""
    rehearsal = Job.objects.get(pk=job_id).arguments["rehearsal"]
    with leases.working(job_id) as lease:
        sending.record_counts(lease, rehearse.rehearse(rehearsal))


def look_after() -> None:
    """Scheduled for each minute: work that should run and has no worker gets one, and the files of
    waves that others read follow them. [O-6, N-5, W-3, W-9, X-14]
    """
    sending.wake_waves()
    sending.wake_settlers()
    results.take_over_cancelled()
    trial_messages.settle_lost()
    schedule.void_what_changed()
    status_files.sweep()
    config_files.sweep()
    count.open_missing_jobs()
    preflights.open_missing_jobs()
    rehearse.forget_old()
    kept.keep_counted()
    resends.wake()
    notify_approvers()


def warn_of_deadlines() -> None:
    """Scheduled for each minute: Slack hears of steps that are not done. [O-9]"""
    warnings.warn(now=timezone.now())


JOB_KINDS = [
    *sending.JOB_KINDS,
    JobKind(
        submission.JOB_KIND,
        "Prepare wave",
        run_preparation,
        page="wave",
        right=PREPARE_RIGHT,
        can_pause=False,  # all or nothing, within minutes
        retry=submission.pause_before_retry,
    ),
    JobKind(
        uploads.JOB_KIND,
        "Upload wave",
        run_upload,
        page="wave",
        right=UPLOAD_RIGHT,
        can_pause=False,  # all or nothing, as a preparation
        retry=submission.pause_before_retry,
    ),
    JobKind(
        dropped.JOB_KIND,
        "Process wave config from the bucket",
        run_dropped,
        page="arrival",
        right=UPLOAD_RIGHT,
        can_pause=False,
    ),
    JobKind(
        count.JOB_KIND,
        "Second count",
        run_count,
        page="wave",
        right=PREPARE_RIGHT,
        or_rights=(APPROVE_RIGHT, UPLOAD_RIGHT),  # approval waits for it
    ),
    JobKind(
        notices.JOB_KIND,
        "Notify approvers",
        notices.run,
        page="wave",
        right=APPROVE_RIGHT,
        or_rights=(PREPARE_RIGHT,),
        can_pause=False,  # a few e-mails
    ),
    JobKind(
        preflights.JOB_KIND,
        "Pre-flight",
        preflights.run_job,
        page="wave",
        right=PREPARE_RIGHT,
        or_rights=(APPROVE_RIGHT,),  # approval waits for it
        can_pause=False,  # over within seconds
    ),
    JobKind(
        REHEARSE_KIND,
        "Rehearse wave",
        run_rehearsal,
        page="wave",
        right=PREPARE_RIGHT,
        or_rights=(APPROVE_RIGHT,),
        can_pause=False,  # the rehearsal is stopped, not its job
        before_progress="See the wave's page for its progress.",
    ),
    JobKind(
        resends.JOB_KIND,
        "Send code again",
        resends.run,
        page="wave",
        right="waves.resend_code",
        can_pause=False,  # a few messages; the wave is paused, or the provider's account
    ),
    JobKind(
        imports.JOB_KIND,
        "Import codes",
        imports.process,
        page="code-file",
        right="waves.import_codes",
    ),
]
SCHEDULED_RUNS = [
    ScheduledRun("look_after_waves", look_after, every="minute"),
    ScheduledRun("warn_of_deadlines", warn_of_deadlines, every="minute"),
    ScheduledRun("give_back_codes", partner_codes.give_back_codes, every="minute"),
]
