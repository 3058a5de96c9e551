"""The rows of the queues: put, settled, made dead letters and taken back from there. [T-4]"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from datalake.choices import MessageState
from datalake.models import DeadLetter, QueueMessage
from datalake.queues.messages import Outgoing
from datalake.streams import deadletters
from datalake.streams.deadletters import StreamRecord
from operations.alerts import alert
from operations.database.statements import rows as returned
from operations.database.statements import run

LETTERS_OF: Final = "queue:"  # how the source of a queue's dead letters begins
CONSUMER: Final = "{}-queue"

_PUT = """
INSERT INTO datalake_queuemessage (queue, key, "group", body, state)
SELECT %(queue)s, key, "group", body, 'waiting'
FROM unnest(%(keys)s::text[], %(groups)s::text[], %(bodies)s::text[]) WITH ORDINALITY
    AS given(key, "group", body, number)
ORDER BY number
ON CONFLICT DO NOTHING
"""
_REVIVE = """
UPDATE datalake_queuemessage AS message
SET body = given.body, state = 'waiting', settled_at = NULL, receives = 0,
    visible_at = clock_timestamp()
FROM unnest(%(ids)s::bigint[], %(bodies)s::text[]) AS given(id, body)
WHERE message.id = given.id AND message.state = 'dead'
RETURNING message.id
"""


def put(queue: str, messages: Sequence[Outgoing]) -> int:
    """In the caller's transaction; how many are new."""
    return run(
        _PUT,
        queue=queue,
        keys=[each.id for each in messages],
        groups=[each.group for each in messages],
        bodies=[each.text for each in messages],
    )


def waiting(queue: str) -> QuerySet[QueueMessage]:
    return QueueMessage.objects.filter(queue=queue, state=MessageState.WAITING)


def settle(found: QuerySet[QueueMessage]) -> int:
    """They were acknowledged or handed over; how many of them waited until now."""
    return found.filter(state=MessageState.WAITING).update(
        state=MessageState.DONE, settled_at=timezone.now()
    )


@transaction.atomic
def make_dead_letters(queue: str, found: QuerySet[QueueMessage], error: str) -> int:
    """Make dead letters of messages that wait; how many."""
    messages = list(found.filter(state=MessageState.WAITING).select_for_update().order_by("pk"))
    if not messages:
        return 0
    source = f"{LETTERS_OF}{queue}"
    for each in messages:
        # a message may die again after it was replayed
        before = DeadLetter.objects.filter(source=source, position=each.pk)
        last = before.aggregate(last=Max("index", default=-1))["last"]  # some are deleted by age
        letter = StreamRecord(each.pk, last + 1, error, json.loads(each.body))
        deadletters.store(CONSUMER.format(queue), source, [letter])
    QueueMessage.objects.filter(pk__in=[each.pk for each in messages]).update(
        state=MessageState.DEAD, settled_at=timezone.now()
    )
    alert(
        f":red_circle: Queue {queue}: {len(messages)} of its messages became dead letters: {error}."
        " Replay them when the cause is fixed."
    )
    return len(messages)


def revive(bodies: Mapping[int, str]) -> list[int]:
    """Let messages that are dead letters wait again with these bodies; which of them there are
    still.
    """
    found = returned(_REVIVE, ids=list(bodies), bodies=list(bodies.values()))
    return [number for (number,) in found]
