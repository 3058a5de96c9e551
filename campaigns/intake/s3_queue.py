"""Messages about new objects, from the queue to jobs. A message is deleted once its jobs are
committed. [S-1]

A message that cannot be read is kept in the bucket, with a failed job of its own that alerts, and
leaves the queue: it holds up no other.
"""

from __future__ import annotations

import logging

from django.db import InterfaceError, OperationalError

from campaigns.errors import UnknownEvent
from campaigns.intake import arrivals, s3_events
from datalake.aws.sqs import Message
from datalake.errors import BadKey
from datalake.storage import buckets
from operations import jobs, leases
from operations.errors import error_text
from operations.models import Job
from operations.services.queues import Handled
from operations.subjects import Subject

logger = logging.getLogger(__name__)

JOB_KIND = "read_s3_message"
KEPT = "s3-events/"


def handle(message: Message) -> Handled[Job]:
    """Note all of a message's objects: their jobs. Raises what was away, and the message then comes
    again.
    """
    try:
        return Handled(_take_up(message.body))
    except (OSError, OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 whatever a message makes us raise is its own matter
        logger.warning("message set aside", extra={"id": message.id, "why": error_text(error)})
        return Handled([_set_aside(message)], is_unreadable=True)


def _take_up(body: str) -> list[Job]:
    """Note all of a message's objects. Raises UnknownEvent, and BadKey for a name that no object of
    ours can have.
    """
    bucket = buckets.scoring()
    keys = [bucket.key_of(created.bucket, created.name) for created in s3_events.created_in(body)]
    return arrivals.note_reported(key for key in keys if key is not None)


def _set_aside(message: Message) -> Job:
    kept = message.body.encode(errors="backslashreplace")
    buckets.scoring().put(_key_of(message.id), kept)
    return jobs.open_job(JOB_KIND, Subject("s3_message", message.id))


def _key_of(message_id: str) -> str:
    return f"{KEPT}{message_id}.json"


def read_again(job_id: int) -> list[Job]:
    """A message that was set aside, read by a job. Raises UnknownEvent and BadKey, which alert, and
    NoSuchObject.
    """
    message_id = Job.objects.get(pk=job_id).subject_id
    with leases.working(job_id):
        with buckets.scoring().open(_key_of(message_id)) as kept:
            body = kept.read().decode()
        try:
            opened = _take_up(body)
        except (UnknownEvent, BadKey) as error:
            raise type(error)(
                f"{error} The message is saved at {_key_of(message_id)} in the scoring bucket."
            ) from error
        buckets.scoring().delete(_key_of(message_id))
        return opened
