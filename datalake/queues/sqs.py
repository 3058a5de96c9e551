"""The queue engine on SQS: rows that wait are handed over, and settled when SQS has them. [T-4]

    read rows that wait → send (no transaction) → settle those that were taken

Killed between the last two, the same messages are sent again under the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from django.conf import settings

from datalake.aws.sqs import MOST_AT_ONCE, Entry, SqsQueue
from datalake.aws.sqs import Message as SqsMessage
from datalake.errors import QueueUnreachable
from datalake.models import QueueMessage
from datalake.queues import rows
from datalake.queues.messages import Message
from operations.database.locks import ended_when_idle, exclusive

# the session of a process that is stopped while it sends is ended, so that another one goes on
STOPPED_SECONDS: Final = 60.0


def receive(url: str, *, wait_seconds: int) -> list[Message]:
    """What SQS gives, and gives again until it is acknowledged. Raises QueueUnreachable."""
    return [
        Message(each.key, each.body, each.receives, each.handle)
        for each in _queue(url).receive(wait_seconds=wait_seconds)
    ]


def acknowledge(url: str, message: Message) -> bool:
    """Raises QueueUnreachable; the message then comes again."""
    _queue(url).delete(SqsMessage("", message.body, message.handle))
    return True


def hand_over(queue: str, url: str, *, limit: int) -> tuple[int, int] | None:
    """Send what waits: how many messages SQS took, and how many it will never take, which are dead
    letters. None where nothing waits or another process sends. Raises QueueUnreachable where SQS
    is away, or takes nothing of a batch now.
    """
    with exclusive(f"hand over:{queue}", wait=False) as alone:
        if not alone:
            return None
        with ended_when_idle(STOPPED_SECONDS):
            found = list(rows.waiting(queue).order_by("pk")[:limit])
            if not found:
                return None
            done = [_send(queue, _queue(url), part) for part in _parts(found)]
    return sum(taken for taken, _ in done), sum(dead for _, dead in done)


def _parts(messages: Sequence[QueueMessage]) -> Iterator[Sequence[QueueMessage]]:
    for at in range(0, len(messages), MOST_AT_ONCE):
        yield messages[at : at + MOST_AT_ONCE]


def _send(queue: str, sqs: SqsQueue, part: Sequence[QueueMessage]) -> tuple[int, int]:
    refused = sqs.send_all([Entry(each.key, each.body, each.group) for each in part])
    taken = [each.pk for number, each in enumerate(part) if number not in refused]
    rows.settle(QueueMessage.objects.filter(pk__in=taken))
    dead = 0
    for number, why in refused.items():
        if why.is_for_good:
            dead += rows.make_dead_letters(
                queue, QueueMessage.objects.filter(pk=part[number].pk), why.error
            )
    later = [why for why in refused.values() if not why.is_for_good]
    if later:  # those behind them do not overtake them
        raise QueueUnreachable(f"The queue {sqs.url} does not take messages now: {later[0].error}")
    return len(taken), dead


def _queue(url: str) -> SqsQueue:
    return _connected(url, settings.AWS_ENDPOINT_URL)


@cache
def _connected(url: str, endpoint: str) -> SqsQueue:
    """One for the process, which keeps its connections."""
    return SqsQueue(url, endpoint=endpoint)
