"""Records onto Kinesis: none overtakes another of its partition key, whatever is refused for now.
[T-1]

Kinesis promises no order within a request, and may take some of its records and refuse others. So a
request holds each key at most once, and always the first of its records that is not on the stream.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from datalake.aws.kinesis import MOST_BYTES_PUT, MOST_PUT, Entry, KinesisStream
from datalake.errors import StreamBusy

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
PATIENCE_SECONDS = 20.0  # without a single record being taken


def next_request(waiting: Sequence[Entry]) -> list[int]:
    """Which of the records may go now: of each key the first, in their order, as many as a request
    may hold.
    """
    chosen: list[int] = []
    keys: set[str] = set()
    size = 0
    for number, entry in enumerate(waiting):
        if entry.key in keys:
            continue
        if len(chosen) == MOST_PUT or size + entry.size > MOST_BYTES_PUT:
            break
        keys.add(entry.key)
        chosen.append(number)
        size += entry.size
    return chosen


def put(stream: KinesisStream, entries: Sequence[Entry]) -> dict[str, int]:
    """Put all of them; the last position of each shard that they are in. What is refused for now is
    sent again, before any later record of its key. Raises StreamBusy when nothing is taken for a
    while, and StreamUnreachable: some of them may be on the stream then.
    """
    waiting = list(entries)
    last: dict[str, int] = {}
    pause, taken_at = FIRST_PAUSE, time.monotonic()
    while waiting:
        chosen = next_request(waiting)
        landed = stream.put([waiting[number] for number in chosen])
        taken = {number for number, at in zip(chosen, landed, strict=True) if at is not None}
        for at in landed:
            if at is not None:
                last[at.shard] = max(last.get(at.shard, 0), int(at.sequence))
        waiting = [entry for number, entry in enumerate(waiting) if number not in taken]
        if taken:
            taken_at = time.monotonic()
        if len(taken) == len(chosen):
            pause = FIRST_PAUSE
            continue
        if time.monotonic() - taken_at >= PATIENCE_SECONDS:
            raise StreamBusy(
                f"The stream {stream.name} takes no records: more is written than its shards allow."
            )
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 spreads retries, guards nothing
        pause = min(2 * pause, LONGEST_PAUSE)
    return last
