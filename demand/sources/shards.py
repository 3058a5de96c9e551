"""The shards of a stream, and how far each is claimed: what several workers agree on. [D-1]

What is read is claimed by one short transaction: the shard's `claimed` moves on unless another
moved it meanwhile, and the batch is made. Who comes too late reads on from where the other claimed
to. No transaction waits for Kinesis.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from datalake.aws.kinesis import LEAST_KEPT, Listing, Read, StreamShard
from datalake.streams import lineage
from demand.archiving import archive
from demand.models import Batch, Shard
from operations import alerts
from operations.database.locks import lock_in_transaction

LATE_SECONDS = 6 * 3600.0  # a stream keeps records for a day unless set otherwise
LOOK = timedelta(seconds=10)  # so often is noted that a shard was looked at and held nothing


def source_of(stream: str, shard_id: str = "") -> str:
    """The source of batches of a shard; without one, what all sources of the stream begin with."""
    return f"{archive.STREAM}{stream}/{shard_id}"


def enter(stream: str, listing: Listing) -> None:
    """Note shards that are new.

    At the first look at a stream all of them are to be read from that instant on, which is kept:
    nothing that comes later is lost before the first record is claimed. Shards that turn up
    afterwards are read from their first record.
    """
    with transaction.atomic():
        lock_in_transaction(source_of(stream))
        known = {shard.shard_id: shard for shard in Shard.objects.filter(stream=stream)}
        since = None if known else listing.asked_at
        Shard.objects.bulk_create(
            Shard(stream=stream, shard_id=each.id, parents=list(each.parents), since=since)
            for each in listing.shards
            if each.id not in known
        )
        for each in listing.shards:
            if each.id in known and _was_made_anew(known[each.id], each):
                _begin_anew(known[each.id])


def _was_made_anew(known: Shard, listed: StreamShard) -> bool:
    """A stream was deleted and made again under its name: numbers only grow, and this shard begins
    behind what we claimed.
    """
    return bool(known.claimed) and int(known.claimed) < int(listed.first)


def _begin_anew(shard: Shard) -> None:
    Shard.objects.filter(pk=shard.pk).update(claimed="", ended=False, since=None)
    alerts.alert(
        f":warning: Demand archive: stream {shard.stream} was created again. Shard"
        f" {shard.shard_id} is read from the beginning."
    )


def readable(stream: str) -> list[Shard]:
    """Shards that have not ended and whose parents, as far as they are known, have."""
    shards = {
        shard.shard_id: shard for shard in Shard.objects.filter(stream=stream).order_by("shard_id")
    }
    listed = [lineage.Shard(name, tuple(shard.parents)) for name, shard in shards.items()]
    ended = {name for name, shard in shards.items() if shard.ended}
    return [shards[name] for name in lineage.readable(listed, ended)]


def take(shard: Shard, read: Read) -> Batch | None:
    """Claim what was read behind `shard.claimed`. None if another worker was first; `shard` then
    tells nothing any more.
    """
    last = read.records[-1].sequence
    values = {"claimed": last, "ended": read.next is None} | _looked(read)
    with transaction.atomic():
        if not untouched(shard).update(**values):
            return None
        batch = archive.claim(_source(shard), read.records[0].sequence, last, len(read.records))
        if shard.behind_seconds < LATE_SECONDS <= read.behind_seconds:
            alerts.alert(
                f":warning: Demand archive: reading of {shard} is"
                f" {read.behind_seconds / 3600:.0f} hours behind. Start more workers."
            )
    return batch


def note_empty(shard: Shard, read: Read) -> None:
    """Nothing was read: note that it was looked at, now and then, and that the shard has ended, if
    it has.
    """
    recently = shard.looked_at is not None and timezone.now() - shard.looked_at < LOOK
    if read.next is None or not recently:
        untouched(shard).update(ended=read.next is None, **_looked(read))


def may_have_gap(shard: Shard, kept: timedelta = LEAST_KEPT) -> bool:
    """Whether nobody read the shard for longer than its records are kept."""
    until = _read_until(shard)
    return until is not None and timezone.now() - until > kept


def note_gap(shard: Shard, kept: timedelta) -> None:
    """What came to the shard while nobody read it, and was not read by the time that it expired, is
    lost: whether there was anything, nobody can know. Of several workers one says so.
    """
    until, now = _read_until(shard), timezone.now()
    values = {"looked_at": now, "behind_seconds": kept.total_seconds()}
    with transaction.atomic():
        if untouched(shard).filter(looked_at=shard.looked_at).update(**values):
            alerts.alert(
                f":red_circle: Demand archive: nobody read {shard} after {until:%d %B %H:%M} UTC."
                f" It keeps records for {kept / timedelta(hours=1):.0f} hours, so events that"
                f" arrived until {now - kept:%d %B %H:%M} UTC are lost. Compare the archive with"
                " the source."
            )


def _read_until(shard: Shard) -> datetime | None:
    """Everything that came to the shard before was read, or was not to be; None for one that nobody
    has looked at.
    """
    if shard.looked_at is None:
        return shard.since
    return shard.looked_at - timedelta(seconds=shard.behind_seconds)


def note_gone(shard: Shard) -> None:
    """Kinesis no longer knows the shard: it ended, and what was not claimed by then has
    expired.
    """
    with transaction.atomic():
        if untouched(shard).update(ended=True, looked_at=timezone.now()):
            alerts.alert(
                f":red_circle: Demand archive: {shard} no longer exists in the stream. Its"
                " unread records are lost."
            )


def _source(shard: Shard) -> str:
    return source_of(shard.stream, shard.shard_id)


def untouched(shard: Shard) -> QuerySet[Shard]:
    """The shard, if it is still as it was read from the database."""
    return Shard.objects.filter(pk=shard.pk, claimed=shard.claimed, ended=False)


def _looked(read: Read) -> dict[str, object]:
    return {"looked_at": timezone.now(), "behind_seconds": read.behind_seconds}
