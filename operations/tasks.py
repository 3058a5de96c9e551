"""The bell: a task says which job to look at, nothing else. The sweeper rings again for what nobody
works on. [O-6]
"""

from __future__ import annotations

import logging
import threading

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.module_loading import import_string
from django_q.tasks import async_task, queue_size

from operations import alerts, jobs
from operations.errors import JobBusy, LeaseLost, Refusal
from operations.models import Job

logger = logging.getLogger(__name__)

# with a lease of 45 s a dead worker's job is rung for within 65 s, and an alert goes out within 20
SWEEP_SECONDS = 20.0
ENOUGH_RINGS = 200

# kind of job → dotted path of the function(job_id) that does it; each app adds its own in its
# AppConfig.ready().
RUNNERS: dict[str, str] = {}


def ring(job: Job) -> None:
    """Wake a worker for this job once the transaction around it is committed. Losing or doubling
    the ring is harmless.
    """
    job_id, group = job.pk, job.kind
    transaction.on_commit(
        lambda: async_task(
            "operations.tasks.run_job", job_id, q_options={"group": group, "save": False}
        )
    )


def run_job(job_id: int) -> None:
    """Do the job if it is free. What goes wrong stands in the job's row; only a fault of ours goes
    on to the queue's log.
    """
    job = Job.objects.get(pk=job_id)
    try:
        import_string(RUNNERS[job.kind])(job_id)
    except (JobBusy, LeaseLost) as taken:
        logger.info("job is somebody else's", extra={"job": job_id, "why": str(taken)})
    except Refusal as refusal:
        logger.warning("job refused", extra={"job": job_id, "why": str(refusal)})


def sweep() -> int:
    """Ring again for jobs that wait or whose worker died, and deliver alerts. Returns how many jobs
    were rung for.

    While the queue is full of rings that nobody has heard yet, more would not help.
    """
    jobs.give_up()
    waiting = jobs.abandoned() if queue_size() < ENOUGH_RINGS else []
    for job in waiting:
        ring(job)
    alerts.deliver()
    return len(waiting)


def keep_sweeping(told: threading.Event) -> None:
    """Sweep every 20 s until told to end; for a thread of the process that keeps the time. A
    failing sweep is tried again.
    """
    try:
        while not told.wait(SWEEP_SECONDS):
            try:
                sweep()
            except (OperationalError, InterfaceError) as error:
                logger.warning("sweep interrupted", extra={"error": type(error).__name__})
                connection.close()
    finally:
        connection.close()
