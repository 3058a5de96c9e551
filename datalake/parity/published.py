"""The database's side: what was published of each type and day. [X-9]

Counted from the batches of the streams, claim by claim, once the lake has taken them, and never
from the lake's files or totals: a record that was claimed and did not come to be in the lake is
missing there and not here. Of a record that was published twice the first counts, as the
identities say (deduplication.py). What others put into the lake as files, and dead letters that
were replayed into it, were on no stream: they count as they were saved.

A claim is counted in one transaction. After that neither its batches nor its identities are needed
here, and retention may take them: the checkpoint of the consumer `parity` says how far that is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date

import polars as pl
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from datalake import catalogue, save, streams
from datalake.avro import columns
from datalake.avro.columns import MODULUS
from datalake.avro.container import Summary
from datalake.choices import ClaimState, StreamName
from datalake.layout import parse_period
from datalake.models import Checkpoint, Claim, LakeFile, PublishedDay
from datalake.parity.comparison import Published, plus, total
from datalake.records import partition_day
from datalake.schemas import VERSIONS, Schema
from datalake.streams import deadletters, deduplication
from datalake.streams.lineage import shard_of, source_of, stream_of
from operations.errors import Refusal

CONSUMER = "parity"
Days = Mapping[tuple[str, date], Published]


def count_published(on_claim: Callable[[], object] = lambda: None) -> int:
    """Count every claim of the lake that is done and not counted yet. Returns how many.
    `on_claim` is called before each. A source that cannot be read now ends no other: its Refusal is
    raised at the end.
    """
    counted, away = 0, dict[str, Refusal]()
    for pk in uncounted().order_by("pk").values_list("pk", flat=True):
        on_claim()
        claim = Claim.objects.get(pk=pk)
        if claim.source in away:  # those of a source are counted in their order
            continue
        try:
            counted += _enter(claim, _content(claim))
        except Refusal as error:
            away[claim.source] = error
    _end_with_the_lake()
    if away:
        raise next(iter(away.values()))
    return counted


def _end_with_the_lake() -> None:
    """Where the lake is through with a shard and each claim of it is counted, so is this: of what
    was lost there is no claim.
    """
    places = Checkpoint.objects.filter(ended=True)
    done = places.filter(consumer=CONSUMER, stream=OuterRef("stream"), shard=OuterRef("shard"))
    for place in places.filter(~Exists(done), consumer=save.CONSUMER):
        source = source_of(place.stream, place.shard)
        if not uncounted().filter(source=source).exists():
            Checkpoint.objects.update_or_create(
                consumer=CONSUMER,
                stream=place.stream,
                shard=place.shard,
                defaults={"ended": True},
            )


def uncounted() -> QuerySet[Claim]:
    """Claims of the lake that are done and not counted yet."""
    return Claim.objects.filter(consumer=save.CONSUMER, state=ClaimState.DONE, is_counted=False)


def add_tombstones(record_type: str, day: date, *, records: int, before: int, after: int) -> None:
    """Enter, in the transaction that enters the rewritten file, that so many records of a day are
    of an erased fan now; `before` and `after` are the sums of their content hashes. Both sides then
    count them, as tombstones. [X-11]

    Call `count_published` before a batch of a stream is rewritten: what is counted later is counted
    as it then stands on the stream.
    """
    change = Published(Summary(0, (after - before) % MODULUS), tombstones=records)
    _add({(record_type, day): change})


def published_days(record_type: str) -> dict[date, Published]:
    """What was published of the type, by day, as far as it is counted."""
    return {
        row.day: Published(
            Summary(row.records, int(row.content_hash, 16)), row.from_files, row.tombstones
        )
        for row in PublishedDay.objects.filter(record_type=record_type)
    }


@transaction.atomic
def _enter(claim: Claim, days: Days) -> bool:
    """False if another process has counted the claim."""
    if not uncounted().filter(pk=claim.pk).update(is_counted=True):
        return False
    _add(days)
    if _is_of_stream(claim):
        place, _ = Checkpoint.objects.get_or_create(
            consumer=CONSUMER, stream=stream_of(claim.source), shard=shard_of(claim.source)
        )
        Checkpoint.objects.filter(pk=place.pk, position__lt=claim.last).update(position=claim.last)
    return True


def _add(days: Days) -> None:
    """Days are locked in the order of type and day."""
    for (record_type, day), more in sorted(days.items()):
        about = {"record_type": record_type, "day": day}
        PublishedDay.objects.bulk_create([PublishedDay(**about)], ignore_conflicts=True)
        row = PublishedDay.objects.select_for_update().get(**about)
        was = Summary(row.records, int(row.content_hash, 16))
        now = plus(Published(was, row.from_files, row.tombstones), more)
        PublishedDay.objects.filter(pk=row.pk).update(
            records=now.content.records,
            content_hash=catalogue.as_text(now.content.content_hash),
            from_files=now.from_files,
            tombstones=now.tombstones,
        )


def _content(claim: Claim) -> Days:
    if not _is_of_stream(claim):
        return _saved_from_file(claim)
    days: dict[tuple[str, date], list[Summary]] = defaultdict(list)
    # under which version of its schema each type was saved: it may have had a newer one since
    saved_as = dict(LakeFile.objects.filter(claim=claim).values_list("record_type", "schema"))
    for record_type, frames in _claimed(claim).items():
        frame = pl.concat(frames, rechunk=True)
        taken = _took_effect(claim, frame["dedupeHash"])
        schema = VERSIONS.get(saved_as.get(record_type, ""))
        for day, summary in _by_day(record_type, frame.filter(taken), schema):
            days[record_type, day].append(summary)
    return {key: Published(total(parts)) for key, parts in days.items()}


def _claimed(claim: Claim) -> Mapping[str, list[pl.DataFrame]]:
    """The valid records of the claim's batches, by type; dead letters are passed over."""
    contents = save.ClaimContents(claim.claimed_at)
    dead = deadletters.places(save.CONSUMER, claim.source, claim.first, claim.last)
    stream, shard = stream_of(claim.source), shard_of(claim.source)
    for batch in streams.read(stream, claim.first, claim.last, shard=shard):
        contents.add_batch(batch, dead)
    return contents.frames


def _is_of_stream(claim: Claim) -> bool:
    return stream_of(claim.source) in StreamName.values


def _took_effect(claim: Claim, hashes: pl.Series) -> pl.Series:
    """Which records took effect with this claim. Where it had no duplicates, that is all."""
    if not claim.duplicates:
        return pl.repeat(value=True, n=len(hashes), eager=True)
    return deduplication.of_claim(save.CONSUMER, hashes, claim.pk)


def _by_day(
    record_type: str, frame: pl.DataFrame, schema: Schema | None
) -> Iterable[tuple[date, Summary]]:
    days = frame["date"].struct.field("created").str.slice(0, 10)
    for day in days.unique().sort():
        encoded = columns.encode(record_type, frame.filter(days == day), schema=schema)
        yield (
            partition_day(day).last_day,
            Summary(len(encoded), columns.content_hash(encoded)),
        )


def _saved_from_file(claim: Claim) -> Days:
    days: dict[tuple[str, date], list[Summary]] = defaultdict(list)
    for file in LakeFile.objects.filter(claim=claim):
        summary = Summary(file.records, int(file.content_hash, 16))
        days[file.record_type, parse_period(file.period).last_day].append(summary)
    whole = {key: total(parts) for key, parts in days.items()}
    return {key: Published(each, from_files=each.records) for key, each in whole.items()}
