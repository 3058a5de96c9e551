"""Jobs for workers who send: a wave's messages, queued e-mails, and what providers are asked about
unknown messages. [O-6, N-4, N-5]
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from datalake.aws.sqs import SqsQueue
from datalake.errors import QueueUnreachable
from operations import jobs, leases
from operations.choices import JobState
from operations.errors import JobBusy
from operations.job_kinds import JobKind
from operations.leases import Lease
from operations.models import Job
from operations.services import queues
from operations.services.queues import Received
from operations.services.troubles import Trouble
from operations.subjects import Subject
from operations.tasks import enqueue, run_job
from waves.choices import Channel, WaveState
from waves.lifecycle import subject_of, wave_named
from waves.models import Wave
from waves.providers import registry
from waves.sending import (
    accounts,
    email_queue,
    email_wake_ups,
    results,
    send_rows,
    send_wave,
    settling,
)
from waves.sending.run import not_going
from waves.sending.send_rows import Messages
from waves.sending.triggering import finish_trigger, pause_unapproved
from waves.soft_start import progress

logger = logging.getLogger(__name__)

SEND_KIND = "send_wave"
EMAIL_KIND = "deliver_email"
EMAIL_QUEUE = Subject("email_queue")
SETTLE_KIND = "settle_unknown"
SETTLE_AGAIN = timedelta(hours=1)  # what the provider does not know now it may know later
SEND_RIGHT = "waves.send_wave"


def wake_senders(waves: Iterable[Wave]) -> None:
    """Open a sending job for each triggered wave, unless one is live, and enqueue it."""
    for wave in waves:
        enqueue(jobs.open_job(SEND_KIND, subject_of(wave)))


def run_sending(job_id: int) -> None:
    """Finish the trigger if it was cut off, send what is left of the wave, and have its e-mails
    delivered.
    """
    wave = wave_named(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        if wave.state == WaveState.TRIGGERED and finish_trigger(wave, now=timezone.now()):
            return
        sms = Messages(wave.pk, Channel.SMS)
        failed_go_again = wave.state == WaveState.COMPLETED and send_rows.open_rows(sms).all
        if not not_going(wave) and (wave.state == WaveState.TRIGGERED or failed_go_again):
            send_wave.make_messages(wave.pk)
            wake_emails()  # they do not wait for the SMS
            if send_rows.open_rows(sms).all and pause_unapproved(wave, Channel.SMS):
                return
            record_counts(lease, send_wave.send_wave(wave.pk))
    wake_emails()


def send_here(
    wave: Wave, *, retry_failed: bool = False, channel: Channel | None = None
) -> dict[str, Any]:
    """Send in the foreground: as the wave's job if no worker took it yet, else in parallel with
    the worker. Raises what the trigger refuses, and CodeServiceAway. [K-4]
    """
    if wave.state == WaveState.TRIGGERED:
        refused = finish_trigger(wave, now=timezone.now())
        if refused is not None:
            raise refused
    asked = Job.objects.about(subject_of(wave)).filter(kind=SEND_KIND)
    waiting = asked.filter(state=JobState.QUEUED).first()
    if waiting is not None:
        with suppress(JobBusy), leases.working(waiting.pk) as lease:
            result = send_wave.send_wave(wave.pk, retry_failed=retry_failed, channel=channel)
            record_counts(lease, result)
            return result
    return send_wave.send_wave(wave.pk, retry_failed=retry_failed, channel=channel)


def record_counts(lease: Lease, result: dict[str, Any]) -> None:
    """The job's counts: fans who are notified or skipped, and those that failed or are unknown.
    [O-1]
    """
    settled, missed = result["ok"] + result["skipped"], result["failed"] + result["unknown"]
    lease.update(rows_in=settled + missed, rows_out=settled, rows_rejected=missed)


def run_emails(job_id: int) -> None:
    """Send queued e-mails."""
    with leases.working(job_id) as lease:
        done = email_queue.deliver()
        missed = done["failed"] + done["unknown"]
        lease.update(rows_in=done["sent"] + missed, rows_out=done["sent"], rows_rejected=missed)


def wake_emails() -> None:
    """Have a worker deliver e-mails, if some are due and the account is not paused."""
    is_paused = accounts.account(registry.chosen_email().name).paused
    if not is_paused and email_queue.has_work():
        _wake_for_emails(jobs.open_job(EMAIL_KIND, EMAIL_QUEUE))


def _wake_for_emails(job: Job) -> None:
    """Through SQS where it is configured, and as any other job where it cannot be reached."""

    def put() -> None:
        try:
            email_wake_ups.put(_emails_on_sqs(), job)
        except QueueUnreachable as error:
            logger.warning("no wake-up", extra={"job": job.pk, "why": str(error)})
            enqueue(job)

    if not settings.EMAIL_QUEUE:
        enqueue(job)
    elif job.state == JobState.QUEUED:
        transaction.on_commit(put)


def consume_email_queue(*, stop: threading.Event, once: bool = False) -> Received:
    """Send e-mails when the queue on SQS says so: with `once` until it is empty, else until `stop`
    is set. A queue or database that is away for a while is waited for, unless `once`.
    """
    queue = _emails_on_sqs()
    return queues.serve(
        queue,
        partial(email_wake_ups.handle, kind=EMAIL_KIND),
        run_job,
        trouble=Trouble("E-mail queue", queue.url, page="/admin/"),
        stop=stop,
        once=once,
    )


def _emails_on_sqs() -> SqsQueue:
    return SqsQueue(settings.EMAIL_QUEUE, endpoint=settings.AWS_ENDPOINT_URL)


def wake_settlers() -> None:
    """Have a worker look up messages whose outcome is unknown, once an hour for each wave. [N-4]"""
    an_hour_ago = timezone.now() - SETTLE_AGAIN
    for wave in settling.waves_with_unknown(_looked_up()):
        asked = Job.objects.about(subject_of(wave)).filter(kind=SETTLE_KIND)
        if not asked.filter(created_at__gt=an_hour_ago).exists():
            enqueue(jobs.open_job(SETTLE_KIND, subject_of(wave)))


def run_settling(job_id: int) -> None:
    """Ask the provider about a wave's unknown messages by our reference; what it cannot say stays
    unknown.
    """
    wave = wave_named(Job.objects.get(pk=job_id).subject_id)
    with leases.working(job_id) as lease:
        found = Counter[str]()
        for channel in _looked_up():
            found.update(settling.look_up(wave.pk, channel, registry.clients(channel)))
        settled = found["sent"] + found["failed"]
        lease.update(
            rows_in=settled + found["unknown"], rows_out=settled, rows_rejected=found["unknown"]
        )


def _looked_up() -> list[Channel]:
    """The channels with a provider that can be asked what it accepted."""
    return [
        channel for channel in Channel if any(each.looks_up for each in registry.all_of(channel))
    ]


def wake_waves() -> None:
    """Sending that should run and has no worker gets one. The scheduler does so each minute, too:
    a due wave does not wait for workers that are busy with imports. [O-2, O-6] Soft starts that
    receipts have ended since go on. [N-9]
    """
    progress.look_after()
    if not all(accounts.account(provider.name).paused for provider in registry.all_sms()):
        wake_senders(results.waves_to_send())
    wake_emails()


JOB_KINDS = [
    JobKind(
        SEND_KIND,
        "Send wave",
        run_sending,
        page="wave",
        right=SEND_RIGHT,
        can_pause=False,  # the wave is paused and cancelled, not its job
        before_progress="See the wave's page for its progress.",
        outranks=True,
    ),
    JobKind(
        EMAIL_KIND,
        "Send queued e-mails",
        run_emails,
        right=SEND_RIGHT,
        can_pause=False,  # the wave is paused, or the provider's account
        outranks=True,
    ),
    JobKind(
        SETTLE_KIND,
        "Settle unknown messages",
        run_settling,
        page="wave",
        right=SEND_RIGHT,
        can_pause=False,
    ),
]
