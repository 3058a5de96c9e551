"""The e-mail queue on SQS, where EMAIL_QUEUE is set: processes that do nothing but send e-mails are
woken by it, and can be started by its length. [N-5, O-6]

What is to be sent is in rows, and one job sends it. A message names that job and nothing else: one
that is lost, comes twice or late changes nothing, because the job's row says whether it is to be
done, and the sweep gives a job that nobody took to the other workers.
"""

from __future__ import annotations

import json
import logging

from datalake.aws.sqs import Message, SqsQueue
from operations.entry import values
from operations.errors import BadValue
from operations.models import Job
from operations.services.queues import Handled

logger = logging.getLogger(__name__)


def put(queue: SqsQueue, job: Job) -> None:
    """Wake a process for this job. Raises QueueUnreachable."""
    queue.send(json.dumps({"job": job.pk}))


def handle(message: Message, *, kind: str) -> Handled[int]:
    """The job of this kind that a message names. What is no message of ours stays: after a few
    times the queue moves it to its dead letters.
    """
    try:
        return Handled(_jobs_named(message.body, kind))
    except BadValue:
        logger.warning("unreadable", extra={"queue": "emails", "id": message.id})
        return Handled(is_unreadable=True, stays=True)


def _jobs_named(body: str, kind: str) -> list[int]:
    """The job of a message; none if it was pruned since. Raises BadValue."""
    document = values.json_of("message", body)
    job_id = values.whole("job", document.get("job") if isinstance(document, dict) else None)
    found = Job.objects.filter(pk=job_id).values_list("kind", flat=True)
    if any(each != kind for each in found):
        raise BadValue("job", f"{job_id} is not a job of this queue.")
    return [job_id] if found else []
