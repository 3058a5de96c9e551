"""The shards of a stream: names, and which may be read before others. Pure. [T-1]

A stream that has one order has one shard without a name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

WHOLE = ""


class Shard(NamedTuple):
    """A shard, and those that it was made from by a split or a merge."""

    id: str
    parents: tuple[str, ...] = ()


def source_of(stream: str, shard: str) -> str:
    """What claims and dead letters call the shard."""
    return f"{stream}/{shard}" if shard else stream


def stream_of(source: str) -> str:
    """The stream that a source belongs to, if it belongs to one."""
    return source.partition("/")[0]


def shard_of(source: str) -> str:
    """The shard of a source that belongs to a stream."""
    return source.partition("/")[2]


def readable(shards: Sequence[Shard], ended: Collection[str]) -> list[str]:
    """The shards that have not ended and whose parents, as far as they are listed, have: a fan's
    records are taken in their order across a split and a merge.
    """
    waiting = {each.id for each in shards}.difference(ended)
    return [each.id for each in shards if each.id in waiting and waiting.isdisjoint(each.parents)]
