"""Batches of a stream whose worker died, or whose bucket was away: taken up again with exactly the
same events. [D-5]

While a worker is at a batch it holds the batch's advisory lock. PostgreSQL lets go of it the moment
the worker dies, so the next one need not wait.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager

from django.db import transaction
from django.utils import timezone

from datalake.aws.kinesis import KinesisStream, Record
from demand.archiving import archive
from demand.choices import BatchState
from demand.errors import BatchTaken
from demand.models import Batch
from demand.sources.shards import source_of
from operations import alerts
from operations.database.locks import exclusive
from operations.plurals import plural

logger = logging.getLogger(__name__)

OFTEN = 10  # a batch that was started this often is taken last, so that it does not hold up others


def alone_at(source: str, first: str) -> AbstractContextManager[bool]:
    """Whether this worker, and no other, is at the batch that begins there."""
    return exclusive(f"{source}:{first}", wait=False)


def of(stream: str) -> list[Batch]:
    """Batches of the stream that are not done, those that were begun least often first; some are
    other workers' just now.
    """
    return list(
        Batch.objects.filter(state=BatchState.OPEN, source__startswith=source_of(stream)).order_by(
            "attempt", "pk"
        )
    )


def take_up(batch: Batch, stream: KinesisStream) -> Batch | None:
    """Archive a batch, or what the stream still has of it. None if that is nothing, or another
    worker is at it or was.

    The stream is asked twice before events are given up.
    """
    with alone_at(batch.source, batch.first) as alone:
        if not alone:
            return None
        batch.refresh_from_db()
        if batch.state != BatchState.OPEN:
            return None
        if batch.attempt == OFTEN:
            alerts.alert(
                f":warning: Demand archive: batch {batch.pk} was started {OFTEN} times and is"
                " not finished. Check the workers' log."
            )
        for _ in range(2):
            records = stream.read_range(batch.source.rpartition("/")[2], batch.first, batch.last)
            if _is_whole(batch, records):
                return archived(batch, records)
        rest = lose(batch, records)
        return take_up(rest, stream) if rest else None


def archived(batch: Batch, records: list[Record]) -> Batch | None:
    """The batch, done. None if another worker was faster. Raises OSError while the bucket is
    down.
    """
    try:
        return archive.archive(
            batch,
            [record.data for record in records],
            sequences=[int(record.sequence) for record in records],
        )
    except BatchTaken:
        return None


def _is_whole(batch: Batch, records: list[Record]) -> bool:
    ends = [record.sequence for record in (*records[:1], *records[-1:])]
    return len(records) == batch.events and ends == [batch.first, batch.last]


def lose(batch: Batch, left: list[Record]) -> Batch | None:
    """Some of the batch's records are older than the stream keeps them: it is LOST, and what is
    left a batch of its own.
    """
    rest = None
    with transaction.atomic():
        same = Batch.objects.filter(pk=batch.pk, state=BatchState.OPEN, attempt=batch.attempt)
        if not same.update(state=BatchState.LOST, done_at=timezone.now()):
            return None
        if left and left[0].sequence != batch.first:
            rest = archive.claim(batch.source, left[0].sequence, left[-1].sequence, len(left))
        gone = batch.events - len(left)
        found = (
            f"{gone:,} of {plural(batch.events, 'event')} of batch {batch.pk} expired from"
            " the stream"
        )
        alerts.alert(f":red_circle: Demand archive: {found}.")
    logger.error(
        "events expired from the stream",
        extra={"batch": batch.pk, "events": batch.events, "gone": gone},
    )
    return rest
