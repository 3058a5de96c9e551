"""Queues of messages: one interface, two engines. [T-4, L-5]

`put` writes rows in the caller's transaction: they are the truth, and say what there is to do
whatever dies. What becomes of them depends on the queue's setting, which `SETTINGS` names:

- empty: the rows are the queue. `receive` claims them for a while, `acknowledge` ends that; what
  is not acknowledged comes again, and after `MOST_RECEIVES` times becomes a dead letter.
- the URL of a queue of SQS: the rows are what is still to be sent. The consumer `NAME-queue` sends
  them (`hand_over`), each under its id, which is the deduplication id of a FIFO queue; killed
  anywhere, it sends the same message with the same id again. `receive` and `acknowledge` are those
  of SQS, whose redrive policy decides about dead letters.

Delivery is at least once on both, so a receiver tells repeats by `Message.id`.

A further queue is a name in `choices.QueueName`, a setting with its URL, and a line in `SETTINGS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.conf import settings

from datalake.choices import QueueName
from datalake.queues import database, rows, sqs
from datalake.queues.messages import Message, Outgoing

__all__ = [
    "SETTINGS",
    "Message",
    "Outgoing",
    "acknowledge",
    "hand_over",
    "is_on_sqs",
    "put",
    "receive",
    "refuse",
    "waiting",
]

# queue → the setting with its URL on SQS
SETTINGS: Final[Mapping[str, str]] = {
    QueueName.VERDICT: "VERDICT_QUEUE",
    QueueName.ARCHIVE: "ARCHIVE_QUEUE",
}


def _url(queue: str) -> str:
    return str(getattr(settings, SETTINGS[queue]))


def is_on_sqs(queue: str) -> bool:
    return bool(_url(queue))


def put(queue: str, messages: Sequence[Outgoing]) -> int:
    """Put messages into the queue, in the caller's transaction. One whose id is there already
    stays as it is. Returns how many are new.
    """
    return rows.put(queue, messages)


def receive(queue: str, *, limit: int = 10, wait_seconds: int = 0) -> list[Message]:
    """Up to ten messages, the oldest first; on SQS waits so long for the first one. What is not
    acknowledged comes again. Raises QueueUnreachable.
    """
    if url := _url(queue):
        return sqs.receive(url, wait_seconds=wait_seconds)
    return database.receive(queue, limit=limit)


def acknowledge(queue: str, message: Message) -> bool:
    """The message is done with. False where it has come again meanwhile: who has it now
    acknowledges it. Raises QueueUnreachable.
    """
    if url := _url(queue):
        return sqs.acknowledge(url, message)
    return database.acknowledge(queue, message)


def refuse(queue: str, message: Message, error: str) -> None:
    """The message can never be taken: a dead letter. On SQS it comes again until the queue's
    redrive policy makes it one.
    """
    if not is_on_sqs(queue):
        database.refuse(queue, message, error)


def hand_over(queue: str, *, limit: int) -> tuple[int, int] | None:
    """Send up to so many messages that wait to SQS: how many were taken, and how many became dead
    letters because SQS will never take them. None where nothing waits, another process is at it,
    or the queue is in the database. Raises QueueUnreachable.
    """
    url = _url(queue)
    return sqs.hand_over(queue, url, limit=limit) if url else None


def waiting(queue: str) -> int:
    """How many messages wait: to be received, or to be handed over to SQS."""
    return rows.waiting(queue).count()
