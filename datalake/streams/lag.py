"""How far a consumer is behind: the records that it has not taken yet, and since when the oldest of
them waits. [T-1, O-2]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from datalake import streams
from datalake.streams import consumers
from operations.database.statements import first_row

MOST_BATCHES = 10_000  # that are added up


@dataclass(frozen=True)
class Lag:
    """Records that wait, at least so many where `is_more`; `age` of the oldest, None if none waits
    or that is not known.
    """

    consumer: str
    stream: str
    records: int = 0
    is_more: bool = False
    age: timedelta | None = None


def lags() -> list[Lag]:
    """Of every consumer that is registered, by name and stream."""
    subscriptions = sorted(consumers.registered(), key=lambda each: (each.consumer, each.stream))
    return [
        _of_stream(each.consumer, str(each.stream))
        if each.waits is None
        else Lag(each.consumer, each.stream, each.waits())
        for each in subscriptions
    ]


def _of_stream(consumer: str, stream: str) -> Lag:
    found = first_row(
        """SELECT count(*), coalesce(sum(records), 0), clock_timestamp() - min(published_at)
           FROM (SELECT records, published_at FROM datalake_streambatch
               WHERE stream = %(stream)s AND position > %(position)s
               ORDER BY position LIMIT %(most)s) AS following""",
        stream=stream,
        position=streams.reached(consumer, stream),
        most=MOST_BATCHES,
    )
    batches, records, age = found or (0, 0, None)
    return Lag(consumer, stream, int(records), batches == MOST_BATCHES, age)
