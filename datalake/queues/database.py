"""The queue engine of a machine that has a PostgreSQL and nothing else: the rows are the queue.
[T-4]
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.db.models.functions import Now

from datalake.models import QueueMessage
from datalake.queues import rows as kept
from datalake.queues.messages import Message
from operations.database.statements import rows

MOST_RECEIVES: Final = 5
CLAIMED_FOR: Final = timedelta(minutes=2)

_RECEIVE = """
UPDATE datalake_queuemessage AS message
SET receives = receives + 1, visible_at = clock_timestamp() + %(claimed)s
WHERE id IN (
    SELECT id FROM datalake_queuemessage
    WHERE queue = %(queue)s AND state = 'waiting' AND visible_at <= clock_timestamp()
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id, key, body, receives
"""


def receive(queue: str, *, limit: int) -> list[Message]:
    """Claim up to so many messages, the oldest first, for two minutes by the database's clock."""
    worn_out = kept.waiting(queue).filter(receives__gte=MOST_RECEIVES, visible_at__lte=Now())
    kept.make_dead_letters(
        queue, worn_out, f"it was received {MOST_RECEIVES} times and never acknowledged"
    )
    found = sorted(rows(_RECEIVE, queue=queue, limit=limit, claimed=CLAIMED_FOR))
    return [
        Message(key, body, receives, handle=f"{pk}:{receives}") for pk, key, body, receives in found
    ]


def acknowledge(queue: str, message: Message) -> bool:
    """False where the claim ran out and another one has the message."""
    return bool(kept.settle(_claimed(queue, message)))


def refuse(queue: str, message: Message, error: str) -> None:
    kept.make_dead_letters(queue, _claimed(queue, message), error)


def _claimed(queue: str, message: Message) -> QuerySet[QueueMessage]:
    pk, _, receives = message.handle.partition(":")
    return QueueMessage.objects.filter(queue=queue, pk=int(pk), receives=int(receives))
