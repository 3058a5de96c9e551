"""The queue: a task names the job to look at, nothing else. A sweep enqueues again the jobs that no
worker has. [O-6]
"""

from __future__ import annotations

import logging
import threading

from django.db import InterfaceError, OperationalError, connection, transaction
from django_q.tasks import async_task, queue_size

from operations import alerts, job_kinds, jobs
from operations.errors import JobBusy, LeaseLost, Refusal
from operations.models import Job

logger = logging.getLogger(__name__)

# with a lease of 45 s a dead worker's job is enqueued again within 65 s, and an alert goes out
# within 20 s
SWEEP_SECONDS = 20.0
FULL_QUEUE = 200


def enqueue(job: Job) -> None:
    """Put a task for this job into the queue once the transaction around it is committed. A task
    that is lost or put there twice does no harm.
    """
    job_id, group = job.pk, job.kind
    transaction.on_commit(
        lambda: async_task(
            "operations.tasks.run_job", job_id, q_options={"group": group, "save": False}
        )
    )


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


def sweep() -> int:
    """Enqueue again the jobs that wait, that are to be tried again now, or whose worker died, and
    deliver alerts. Returns how many jobs were enqueued: none while the queue is full of tasks that
    no worker has taken yet.
    """
    jobs.give_up()
    jobs.requeue_due()
    waiting = jobs.without_worker() if queue_size() < FULL_QUEUE else []
    for job in waiting:
        enqueue(job)
    alerts.deliver()
    return len(waiting)


def keep_sweeping(stop: threading.Event) -> None:
    """Sweep every 20 s until `stop` is set; for a thread of the process that keeps the time. A
    failing sweep is tried again.
    """
    try:
        while not stop.wait(SWEEP_SECONDS):
            try:
                sweep()
            except (OperationalError, InterfaceError) as error:
                logger.warning("sweep interrupted", extra={"error": type(error).__name__})
                connection.close()
    finally:
        connection.close()
