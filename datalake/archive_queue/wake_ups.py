"""The archive queue on SQS, where ARCHIVE_QUEUE is set: a process that takes its messages does the
archives that they name. [L-5, O-6]

A merge asks for its archive by a job row, and by a message that waits in the same transaction
(archive.py). The message names a folder of the lake and nothing else, and another service may send
the same. One that is lost, comes twice or late changes nothing: what is archived already is not
archived again, and the next merge run asks for what was not.
"""

from __future__ import annotations

import logging

from datalake import archive, layout, queues
from datalake.choices import MergeState, QueueName
from datalake.errors import BadPeriod, NotMerged
from datalake.models import Merge
from datalake.queues import Message
from operations import jobs
from operations.entry import values
from operations.errors import BadValue
from operations.services.queues import Handled

logger = logging.getLogger(__name__)


class ArchiveQueue:
    """The queue ARCHIVE_QUEUE. Raises QueueUnreachable."""

    def receive(self, *, wait_seconds: int) -> list[Message]:
        return queues.receive(QueueName.ARCHIVE, wait_seconds=wait_seconds)

    def delete(self, message: Message) -> bool:
        return queues.acknowledge(QueueName.ARCHIVE, message)


def handle(message: Message) -> Handled[int]:
    """Open the jobs of the archives that a message names. What names no merge stays: after a few
    times the queue moves it to its dead letters.
    """
    try:
        named = _merges_named(message.body)
    except (BadValue, BadPeriod, NotMerged) as error:
        logger.warning("names no merge", extra={"queue": "archive", "why": str(error)})
        queues.refuse(QueueName.ARCHIVE, message, str(error))
        return Handled(is_unreadable=True, stays=True)
    return Handled(
        [
            jobs.open_or_requeue(archive.JOB_KIND, archive.subject_of(merge), by=None).pk
            for merge in named
        ]
    )


def _merges_named(body: str) -> list[Merge]:
    """The merges of a message whose sources are not archived yet; none if all are. Raises BadValue,
    BadPeriod, and NotMerged where the folder was never merged.
    """
    document = values.json_of("message", body)
    prefix = document.get("filePrefix") if isinstance(document, dict) else None
    if not isinstance(prefix, str):
        raise BadValue("filePrefix", "is missing. Send the folder of a day or month.")
    record_type, period = layout.parse_prefix(prefix)
    merges = Merge.objects.filter(record_type=record_type, period=str(period))
    done = merges.filter(state__in=[MergeState.MERGED, MergeState.ARCHIVED])
    if not done:
        raise NotMerged(f"{record_type} {period} was not merged, so there is nothing to archive.")
    return [merge for merge in done.order_by("pk") if merge.state == MergeState.MERGED]
