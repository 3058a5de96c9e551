"""The consumer `NAME-queue`: what waits in a queue's rows is handed over to SQS, where the queue is
there. [T-4]
"""

from __future__ import annotations

from functools import partial

from datalake import queues
from datalake.queues.rows import CONSUMER
from datalake.streams import consumers
from datalake.streams.consumers import Consumed

MESSAGES_PER_BATCH = 25  # so that a step lasts about a second, and a stop is obeyed soon


def register(queue: str) -> None:
    """Let `consume` run the queue's consumer."""
    consumers.register_source(
        CONSUMER.format(queue),
        f"queue {queue}",
        partial(step, queue),
        waits=partial(to_hand_over, queue),
    )


def step(queue: str, batches: int) -> Consumed | None:
    """Hand over some messages; None where none waits. Raises QueueUnreachable."""
    done = queues.hand_over(queue, limit=batches * MESSAGES_PER_BATCH)
    return None if done is None else Consumed(sum(done), records_out=done[0], invalid=done[1])


def to_hand_over(queue: str) -> int:
    """How many messages SQS has still to get; 0 where the queue is in the database."""
    return queues.waiting(queue) if queues.is_on_sqs(queue) else 0
