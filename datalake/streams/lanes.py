"""A consumer's way through one shard of a stream, and which of them are open to it. [T-1]"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from datalake import streams
from datalake.errors import TakenOver
from datalake.models import Checkpoint
from datalake.streams.lineage import WHOLE, readable, source_of

# takes what was published to an engine outside the database
HANDOVER = "handover"
# A process that is stopped gives up the shard that it works on after so long, by PostgreSQL's
# clock.
LEASE_SECONDS = 80.0


@dataclass(frozen=True)
class Lane:
    """A consumer at one shard; a stream with one order has one, without a name."""

    consumer: str
    stream: str
    shard: str = WHOLE

    @property
    def source(self) -> str:
        """What its claims and dead letters call it."""
        return source_of(self.stream, self.shard)

    @property
    def checkpoints(self) -> QuerySet[Checkpoint]:
        return Checkpoint.objects.filter(
            consumer=self.consumer, stream=self.stream, shard=self.shard
        )

    def lock(self, position: int) -> None:
        """The consumer's place in the shard, locked until the transaction ends. Raises TakenOver
        unless it is still this position.
        """
        if self.checkpoints.select_for_update().get().position != position:
            raise TakenOver(f"Another process took what follows {self.source}:{position}.")

    def move_on(self, position: int) -> None:
        """The consumer took what comes up to this position. Call it in the transaction of its
        effects.
        """
        self.checkpoints.update(
            position=position, attempts=0, suspect_first=0, suspect_end=0, updated_at=timezone.now()
        )


def position(consumer: str, stream: str, shard: str = WHOLE) -> int:
    """Up to where the consumer took what is in the shard; 0 = nothing yet."""
    found = Lane(consumer, stream, shard).checkpoints
    return found.values_list("position", flat=True).first() or 0


def open_to(consumer: str, stream: str) -> list[Lane]:
    """The lanes in which something may follow: a shard is open once the consumer is through with
    those that it was made from.
    """
    shards = streams.shards(stream)
    ended = Checkpoint.objects.filter(consumer=consumer, stream=stream, ended=True)
    done = set(ended.values_list("shard", flat=True)) if len(shards) > 1 else set()
    return [Lane(consumer, stream, shard) for shard in readable(shards, done)]
