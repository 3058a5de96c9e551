"""The archive queue on SQS, where ARCHIVE_QUEUE is set: a process that takes its messages does the
archives that they name. [L-5, O-6]

A merge asks for its archive by a job row, and by a message that waits in the same transaction
(archive.py). The message names a folder of the lake and nothing else, and another service may send
the same. One that is lost, comes twice or late changes nothing: what is archived already is not
archived again, and the next merge run asks for what was not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from datalake import archive, layout, queues
from datalake.choices import MergeState, QueueName
from datalake.errors import BadPeriod, NotMerged
from datalake.models import Merge
from operations import jobs
from operations.entry import values
from operations.errors import BadValue

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5  # for the first message; so soon is a request to end obeyed


@dataclass
class WakeUps:
    """How many messages there were, how many named no merge, and how many archives were tried."""

    messages: int = 0
    unreadable: int = 0
    archives: int = 0

    def add(self, more: WakeUps) -> None:
        self.messages += more.messages
        self.unreadable += more.unreadable
        self.archives += more.archives


def receive(*, wait_seconds: int, run: Callable[[int], object]) -> WakeUps:
    """Take up to ten messages out of the queue, then run the jobs of the archives that they name,
    each once. What names no merge stays: after a few times the queue moves it to its dead letters.
    Raises QueueUnreachable, and what `run` raises.
    """
    received, named = WakeUps(), dict[int, Merge]()
    for message in queues.receive(QueueName.ARCHIVE, wait_seconds=wait_seconds):
        received.messages += 1
        try:
            named |= {merge.pk: merge for merge in _merges_named(message.body)}
        except (BadValue, BadPeriod, NotMerged) as error:
            received.unreadable += 1
            logger.warning("names no merge", extra={"queue": "archive", "why": str(error)})
            queues.refuse(QueueName.ARCHIVE, message, str(error))
            continue
        queues.acknowledge(QueueName.ARCHIVE, message)
    for merge in named.values():
        run(jobs.open_or_requeue(archive.JOB_KIND, archive.subject_of(merge), by=None).pk)
        received.archives += 1
    return received


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
