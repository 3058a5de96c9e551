"""What was published: a table of batches, the truth of every stream whatever its engine. [T-1]

Positions come from the stream's own row, locked from here to the publisher's commit. So they have
no gaps and become visible in their order: a reader that has seen position n has seen everything
before n. An identity column would not give that, because a later number can be committed first. The
price: publishers of one stream wait for each other, so publish late in a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from datalake.choices import PayloadForm
from datalake.models import Stream, StreamBatch
from datalake.streams.batches import Batch, Payload, Published
from operations import correlation
from operations.database.copying import copy_rows

BATCH_RECORDS = 2_500

_COLUMNS = {
    "stream": "text",
    "position": "int8",
    "batch_key": "text",
    "form": "text",
    "schema": "text",
    "records": "int4",
    "payload": "bytea",
    "correlation_id": "text",
    "published_at": "timestamptz",
}


def publish(stream: str, batches: Sequence[tuple[str, Payload]]) -> Published:
    """Put batches (key, payload) at the end of the stream; those whose key is there already are
    left as they are.
    """
    with transaction.atomic():
        Stream.objects.bulk_create([Stream(name=stream)], ignore_conflicts=True)
        end = Stream.objects.select_for_update().get(name=stream).position
        keys = [key for key, _ in batches]
        known = dict(
            StreamBatch.objects.filter(stream=stream, batch_key__in=keys).values_list(
                "batch_key", "position"
            )
        )
        fresh = [(key, payload) for key, payload in batches if key not in known]
        _copy(stream, end, fresh)
        Stream.objects.filter(name=stream).update(position=end + len(fresh))
    newest = end + len(fresh) if fresh else max(known.values(), default=end)
    return Published(newest, len(batches), len(known))


def _copy(stream: str, end: int, batches: Sequence[tuple[str, Payload]]) -> None:
    """Binary COPY: a batch's bytes go through as they are, not doubled as hexadecimal text of an
    INSERT.
    """
    after = (correlation.current(), timezone.now())
    rows = (
        (
            stream,
            position,
            key,
            str(payload.form),
            payload.schema,
            payload.records,
            payload.data,
            *after,
        )
        for position, (key, payload) in enumerate(batches, start=end + 1)
    )
    copy_rows("datalake_streambatch", _COLUMNS, rows)


def read(stream: str, first: int, last: int) -> list[Batch]:
    """The batches from position `first` to `last`."""
    rows = StreamBatch.objects.filter(stream=stream, position__range=(first, last)).order_by(
        "position"
    )
    return [
        Batch(
            stream,
            row.position,
            Payload(PayloadForm(row.form), row.schema, row.records, bytes(row.payload)),
            row.correlation_id,
        )
        for row in rows.iterator(chunk_size=50)
    ]


def extent(stream: str, after: int, batches: int) -> int:
    """The last position of at most so many batches after a position; that position itself if
    nothing follows. Batches right behind it may be gone: what is old is deleted. [O-10]
    """
    found = StreamBatch.objects.filter(stream=stream, position__gt=after).order_by("position")
    return max(found.values_list("position", flat=True)[:batches], default=after)


def records_after(stream: str, position: int) -> int:
    """How many records follow a position."""
    found = StreamBatch.objects.filter(stream=stream, position__gt=position).aggregate(
        records=Sum("records")
    )
    return int(found["records"] or 0)
