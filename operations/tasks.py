"""The queue: a task names the job to look at, nothing else. A sweep enqueues again the jobs that no
worker has. [O-6]
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from django.db import InterfaceError, OperationalError, connection, transaction
from django_q.brokers import get_broker
from django_q.tasks import async_task, queue_size

from operations import alerts, job_kinds, jobs, schedules
from operations.choices import Queue
from operations.errors import JobBusy, LeaseLost, Refusal, UnknownJobKind
from operations.models import Job
from operations.services import heartbeats, watchdog
from operations.services.troubles import Trouble

logger = logging.getLogger(__name__)

# with a lease of 45 s a dead worker's job is enqueued again within 65 s, and an alert goes out
# within 20 s
SWEEP_SECONDS = 20.0
EACH_MINUTE = 60.0 - SWEEP_SECONDS / 2  # sweeps come a little late, never early
FULL_QUEUE = 200


def enqueue(job: Job) -> None:
    """Put a task for this job into the queue once the transaction around it is committed. A task
    that is lost or put there twice does no harm: the work of due waves stands in two queues, so
    that reserved workers take it where all others are busy. A queue that is away is logged and
    fails nobody: the sweep enqueues again, and alerts.
    """
    _enqueue(job, [Queue.WAVES, Queue.GENERAL] if _outranks(job) else [Queue.GENERAL])


def _outranks(job: Job) -> bool:
    return job_kinds.shown_kind(job.kind).outranks


def _enqueue(job: Job, queues: list[Queue]) -> None:
    job_id, group = job.pk, job.kind

    def put() -> None:
        for queue in queues:
            options = {"group": group, "save": False, "cluster": str(queue)}
            async_task("operations.tasks.run_job", job_id, q_options=options)

    transaction.on_commit(put, robust=True)


def run_job(job_id: int) -> None:
    """Do the job if it is free. What goes wrong is written into the job's row; only a fault of ours
    is raised, into the queue's log.
    """
    job = Job.objects.get(pk=job_id)
    try:
        job_kinds.kind_named(job.kind).run(job_id)
    except (JobBusy, LeaseLost) as taken:
        logger.info("another worker has the job", extra={"job": job_id, "why": str(taken)})
    except Refusal as refusal:
        logger.warning("job refused", extra={"job": job_id, "why": str(refusal)})
        if not isinstance(refusal, UnknownJobKind):  # a worker of a newer release will know it
            jobs.report_outside(job_id, refusal)
    except Exception as error:
        with suppress(OperationalError, InterfaceError):
            jobs.report_outside(job_id, error)
        raise


def run_scheduled(name: str) -> None:
    """Do the scheduled run of this name. One that fails alerts, and comes again at its time.
    [O-2]
    """
    try:
        schedules.run_named(name).run()
    except Exception as error:
        with suppress(OperationalError, InterfaceError):
            alerts.alert_failure("Scheduled run", name.replace("_", " "), error, page="/admin/")
        raise


def sweep() -> int:
    """Enqueue again the jobs that wait, that are to be tried again now, or whose worker died, and
    deliver alerts. Returns how many jobs were enqueued.
    """
    enqueued = sweep_jobs()
    alerts.deliver()
    return enqueued


def sweep_jobs() -> int:
    """Enqueue again the jobs that wait, that are to be tried again now, or whose worker died; none
    into a queue that is full of tasks which no worker has taken yet. Returns how many.
    """
    jobs.give_up()
    jobs.requeue_due()
    reserved = [kind.name for kind in job_kinds.registered() if kind.outranks]
    waiting = [*jobs.without_worker(only=reserved), *jobs.without_worker(without=reserved)]
    full = {queue for queue in Queue if queue_size(get_broker(str(queue))) >= FULL_QUEUE}
    enqueued = 0
    for job in waiting:
        wanted = [Queue.WAVES, Queue.GENERAL] if _outranks(job) else [Queue.GENERAL]
        if queues := [queue for queue in wanted if queue not in full]:
            _enqueue(job, queues)
            enqueued += 1
    return enqueued


def keep_sweeping(
    stop: heartbeats.Stop, each_minute: Mapping[str, Callable[[], object]] | None = None
) -> None:
    """Sweep every 20 s, and do what each minute is done, until `stop` is set; for a thread of the
    process that keeps the time. What fails of it ends nothing else, alerts and is tried again.

    The watchdog outside hears of the scheduler as long as its own loop is not stuck.
    """
    sweeps: dict[str, Callable[[], object]] = {
        "jobs": sweep_jobs,
        "services": heartbeats.expect,
        "alerts": alerts.deliver,
    }
    minutely = {"watchdog": lambda: stop.is_asked and watchdog.ping(), **(each_minute or {})}
    fences = {what: Trouble("Scheduler", what, page="/admin/") for what in (*sweeps, *minutely)}
    minute_at = float("-inf")
    try:
        while not threading.Event.wait(stop, SWEEP_SECONDS):
            now, due = time.monotonic(), dict(sweeps)
            if now - minute_at >= EACH_MINUTE:
                minute_at = now
                due |= minutely
            for what, do in due.items():
                with fences[what].fenced():
                    do()
                    fences[what].over()
    finally:
        connection.close()
