"""The stream engine on Amazon Kinesis: one stream there for each of ours, one record there for each
record. [T-1]

What is published is a row first, in the publisher's transaction (rows.py). `hand_over` puts it onto
Kinesis and notes where it is; killed in between, it puts it there once more, and consumers take
each record once. Positions are Kinesis' sequence numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

from django.conf import settings
from django.db import transaction

from datalake import streams
from datalake.aws.kinesis import LONGEST_KEY, MOST_BYTES_A_RECORD, Entry, KinesisStream
from datalake.models import Checkpoint, StreamBatch
from datalake.streams import deadletters, rows
from datalake.streams.batches import Batch, HandedOver, Payload, Texts, keyed_texts, unpack_records
from datalake.streams.deadletters import StreamRecord
from datalake.streams.engines import put_in_order
from datalake.streams.engines.kinesis_reading import Reader
from datalake.streams.lanes import HANDOVER, LEASE_SECONDS, Lane
from datalake.streams.lineage import Shard
from operations import alerts
from operations.database.locks import ended_when_idle, exclusive
from operations.database.statements import commit_without_waiting, first_row
from operations.database.statements import rows as select_rows
from operations.models import Alert

OUTSIDE = True
TOO_LARGE = f"larger than {MOST_BYTES_A_RECORD:,} bytes, the most that Kinesis takes"

_FIRST_NOT_REACHED = """
SELECT min(batch.position) FROM datalake_streambatch AS batch
CROSS JOIN LATERAL jsonb_each_text(batch.handed_over) AS mark(shard, last)
LEFT JOIN datalake_checkpoint AS place ON place.consumer = %(consumer)s
    AND place.stream = batch.stream AND place.shard = mark.shard
WHERE batch.stream = %(stream)s AND coalesce(place.position, 0) < mark.last::numeric
    AND NOT coalesce(place.ended, false)
"""


# Of the last records of batches in a shard, those that should have been found. Where nothing was
# (`first` is 0), what was handed over just now may not show there yet.
_EXPIRED = """
SELECT max(mark::numeric) FROM (
    SELECT handed_over->>%(shard)s AS mark FROM datalake_streambatch
    WHERE stream = %(stream)s AND handed_over ? %(shard)s
        AND (%(first)s > 0 OR NOT EXISTS (
            SELECT FROM datalake_checkpoint AS handover
            WHERE handover.consumer = %(handover)s AND handover.stream = %(stream)s
                AND handover.updated_at > clock_timestamp() - interval '5 minutes'))
) AS handed
WHERE mark::numeric > %(after)s AND (%(first)s = 0 OR mark::numeric < %(first)s)
"""
_WRITTEN = """
SELECT DISTINCT jsonb_object_keys(handed_over) FROM datalake_streambatch
WHERE stream = %(stream)s AND jsonb_typeof(handed_over) = 'object'
"""


def kinesis_name(stream: str) -> str:
    """What the stream is called at Kinesis."""
    return str(settings.KINESIS_STREAMS.get(stream, f"fairwave-{stream}"))


@cache
def reader_of(stream: str, name: str, endpoint: str) -> Reader:
    written = partial(_written, stream)
    return Reader(KinesisStream(name, endpoint=endpoint), written)


def _reader(stream: str) -> Reader:
    return reader_of(stream, kinesis_name(stream), settings.AWS_ENDPOINT_URL)


def _written(stream: str) -> list[str]:
    """The shards that hold, or held, what the database still has batches of."""
    return [shard for (shard,) in select_rows(_WRITTEN, stream=stream)]


def shards(stream: str) -> Sequence[Shard]:
    return _reader(stream).shards()


def extent(stream: str, shard: str, after: int, batches: int) -> int:
    reader = _reader(stream)
    last = reader.extent(shard, after, batches * rows.BATCH_RECORDS)
    first = reader.first_behind(shard, after)
    if first is not None:
        _report_gap(stream, shard, after, first)
    return last


def _report_gap(stream: str, shard: str, after: int, first: int) -> None:
    """Kinesis goes on with the oldest record that it still has; what was handed over before that
    one, and behind the position, has expired. The same loss is reported once, however often a
    process begins there.
    """
    place = {"stream": stream, "shard": shard, "after": after, "first": first}
    (lost,) = first_row(_EXPIRED, handover=HANDOVER, **place) or (None,)
    if lost is None:
        return
    text = (
        f":red_circle: Stream {kinesis_name(stream)}, shard {shard}: records behind position"
        f" {after} up to {lost} expired before they were read by a consumer, or by the"
        " comparison of database and lake. Keep records for longer."
    )
    if not Alert.objects.filter(text=text).exists():
        alerts.alert(text)


def has_ended(stream: str, shard: str, position: int) -> bool:
    return _reader(stream).has_ended(shard, position)


def read(stream: str, shard: str, first: int, last: int) -> list[Batch]:
    """One batch of JSON texts; of no shard, the rows that were taken before the engine was
    changed.
    """
    if not shard:
        return rows.read(stream, first, last)
    found = _reader(stream).read(shard, first - 1, last)
    if found.is_begun and found.records:
        _report_gap(stream, shard, first - 1, int(found.records[0].sequence))
    data = [each.data for each in found.records]
    texts = Texts(data, [int(each.sequence) for each in found.records])
    return [Batch(stream, first, texts)]


def reached(consumer: str, stream: str) -> int:
    """Everything before the first published batch of which a shard holds more than the consumer
    took there.
    """
    position = _publisher(stream).position  # first: what is handed over meanwhile is not reached
    (first,) = first_row(_FIRST_NOT_REACHED, consumer=consumer, stream=stream) or (None,)
    return min(first - 1, position) if first else position


def hand_over(stream: str, batches: int) -> HandedOver | None:
    """Put what was published onto Kinesis, batch by batch in the order of publishing, and note
    where its last records are. No transaction is open meanwhile; one process at a time does it.
    """
    lane = Lane(HANDOVER, stream)
    with exclusive(f"consumer:{HANDOVER}:{stream}", wait=False) as held:
        if not held:
            return None
        with ended_when_idle(LEASE_SECONDS):
            after, done = _publisher(stream).position, []
            for batch in rows.read(stream, after + 1, rows.extent(stream, after, batches)):
                done.append(_hand_over(lane, after, batch))
                after = batch.position
    records = sum(each.records for each in done)
    return HandedOver(records, sum(each.refused for each in done)) if done else None


def _publisher(stream: str) -> Checkpoint:
    place, _ = Checkpoint.objects.get_or_create(consumer=HANDOVER, stream=stream, shard="")
    return place


def _hand_over(lane: Lane, after: int, batch: Batch) -> HandedOver:
    assert isinstance(batch.payload, Payload)  # noqa: S101 rows hold nothing else
    entries, too_large = [], []
    for number, (key, text) in enumerate(keyed_texts(batch.payload, batch.correlation_id)):
        entry = Entry(_partition_key(key), text)
        if entry.size > MOST_BYTES_A_RECORD:
            too_large.append(number)
        else:
            entries.append(entry)
    last = put_in_order.put(_reader(lane.stream).stream, entries)
    with transaction.atomic():
        commit_without_waiting()  # what is not noted is handed over again
        lane.lock(after)
        StreamBatch.objects.filter(stream=lane.stream, position=batch.position).update(
            handed_over={shard: str(position) for shard, position in last.items()}
        )
        deadletters.store(lane.consumer, lane.stream, _letters(batch, too_large))
        lane.move_on(batch.position)
        for watcher in streams.WATCHERS:
            watcher(lane.stream)
    return HandedOver(len(entries), len(too_large))


def _partition_key(key: str) -> str:
    """As Kinesis takes it: not empty, not too long, and what UTF-8 cannot say is replaced."""
    return key[:LONGEST_KEY].encode(errors="replace").decode() or "-"


def _letters(batch: Batch, numbers: Sequence[int]) -> list[StreamRecord]:
    records = unpack_records(batch.payload) if numbers else []
    return [StreamRecord(batch.position, each, TOO_LARGE, records[each]) for each in numbers]
