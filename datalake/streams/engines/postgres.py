"""The stream engine of a machine that has a PostgreSQL and nothing else: consumers read the rows
that publishers wrote, all in one order. [T-1]
"""

from __future__ import annotations

from collections.abc import Sequence

from datalake.streams import rows
from datalake.streams.batches import Batch, HandedOver
from datalake.streams.lanes import position
from datalake.streams.lineage import WHOLE, Shard

OUTSIDE = False


def shards(stream: str) -> Sequence[Shard]:
    return (Shard(WHOLE),)


def read(stream: str, shard: str, first: int, last: int) -> list[Batch]:
    return rows.read(stream, first, last)


def extent(stream: str, shard: str, after: int, batches: int) -> int:
    return rows.extent(stream, after, batches)


def has_ended(stream: str, shard: str, position: int) -> bool:
    return False


def reached(consumer: str, stream: str) -> int:
    return position(consumer, stream)


def hand_over(stream: str, batches: int) -> HandedOver | None:
    """Readers have the rows already."""
    return None
