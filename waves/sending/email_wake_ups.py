"""The e-mail queue on SQS, where EMAIL_QUEUE is set: processes that do nothing but send e-mails are
woken by it, and can be started by its length. [N-5, O-6]

What is to be sent is in rows, and one job sends it. A message names that job and nothing else: one
that is lost, comes twice or late changes nothing, because the job's row says whether it is to be
done, and the sweep gives a job that nobody took to the other workers.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass

from datalake.aws.sqs import SqsQueue
from operations.entry import values
from operations.errors import BadValue
from operations.models import Job

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5  # for the first message; so soon is a request to end obeyed


@dataclass
class WakeUps:
    """How many messages there were, how many could not be read, and how many jobs were tried."""

    messages: int = 0
    unreadable: int = 0
    jobs: int = 0

    def add(self, more: WakeUps) -> None:
        self.messages += more.messages
        self.unreadable += more.unreadable
        self.jobs += more.jobs


def put(queue: SqsQueue, job: Job) -> None:
    """Wake a process for this job. Raises QueueUnreachable."""
    queue.send(json.dumps({"job": job.pk}))


def receive(
    queue: SqsQueue, *, kind: str, wait_seconds: int, run: Callable[[int], object]
) -> WakeUps:
    """Take up to ten messages out of the queue, then run the jobs of this kind that they name, each
    once. What is no message of ours stays: after a few times the queue moves it to its dead
    letters. Raises QueueUnreachable, and what `run` raises.
    """
    received, named = WakeUps(), dict[int, None]()
    for message in queue.receive(wait_seconds=wait_seconds):
        received.messages += 1
        try:
            named |= dict.fromkeys(_jobs_named(message.body, kind))
        except BadValue:
            received.unreadable += 1
            logger.warning("unreadable", extra={"queue": queue.url, "id": message.id})
            continue
        queue.delete(message)
    for job_id in named:
        run(job_id)
        received.jobs += 1
    return received


def _jobs_named(body: str, kind: str) -> list[int]:
    """The job of a message; none if it was pruned since. Raises BadValue."""
    document = values.json_of("message", body)
    job_id = values.whole("job", document.get("job") if isinstance(document, dict) else None)
    found = Job.objects.filter(pk=job_id).values_list("kind", flat=True)
    if any(each != kind for each in found):
        raise BadValue("job", f"{job_id} is not a job of this queue.")
    return [job_id] if found else []
