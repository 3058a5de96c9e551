"""The checks, the merge, the switch: many small files of a period become one, block by block. [L-3,
L-4, L-6, L-7, L-9]

FRAGMENTED (files found, foreign ones adopted) → QUERYING (headers read and compared) →
CONSOLIDATING (files of older versions of the schema upgraded, blocks copied, result read back) →
MERGED (catalogue switched, archive asked for). A refusal leaves the sources as they are and its
reason on the row.

Each attempt writes a file of its own, and the catalogue says which one counts: a merger that lost
its place, and does not know it yet, writes over nobody's file. [O-6]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import accumulate

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F, Max, QuerySet

from datalake import adopt, catalogue, layout
from datalake.archive import ask_for_archive
from datalake.avro import container
from datalake.avro.columns import add_hashes
from datalake.catalogue import NewFile
from datalake.choices import MergeState, RecordType
from datalake.errors import MergeBusy, NoFiles, TypeNotEnabled
from datalake.layout import Period
from datalake.merging import contents
from datalake.models import LakeFile, Merge
from datalake.records import schema_of
from datalake.storage import buckets
from operations.database.locks import exclusive
from operations.errors import JobStopped, Refusal, error_text

DONE = (MergeState.MERGED, MergeState.ARCHIVED)
LARGEST_BYTES = 1_200_000_000  # 1.2 GB, of 10^9 bytes
# records that are copied, of how many
OnRecords = Callable[[int, int], object]


def enabled_types() -> list[str]:
    """The record types that may be merged; the setting MERGE_RECORD_TYPES narrows them."""
    return list(getattr(settings, "MERGE_RECORD_TYPES", RecordType.values))


def require_enabled(record_type: str) -> None:
    """Raises TypeNotEnabled."""
    if record_type not in enabled_types():
        raise TypeNotEnabled(
            f"Merging is not enabled for {record_type!r}. It is enabled for"
            f" {', '.join(enabled_types())}."
        )


def merge_period(
    record_type: str,
    period: Period,
    *,
    limit_bytes: int = LARGEST_BYTES,
    on_records: OnRecords = lambda done, total: None,
) -> Merge:
    """Merge what is readable of a day or month into its next generation; a merged file that is
    there already is taken along. `on_records` is called before each source is copied.

    Raises TypeNotEnabled, NoFiles, OutdatedSchema, TooLarge, CountMismatch, NotAvro, MergeBusy,
    OSError, and the JobStopped of `on_records`; sources are then untouched.
    """
    require_enabled(record_type)
    # of the month, whose merge takes its days' files
    work = f"merge:{record_type}:{period.month_period}"
    with exclusive(work, wait=False) as got_it:
        if not got_it:
            raise MergeBusy(
                f"{record_type} {period} is being merged by another process. Wait until it is"
                " finished."
            )
        foreign = adopt.foreign_keys(record_type, period)
        for key in foreign:
            adopt.adopt(key)
        sources = catalogue.mergeable_files(record_type, period)
        if not sources:
            raise NoFiles(
                f"There is nothing to merge: {layout.folder(record_type, period)} contains no"
                f" {'valid records of this period' if foreign else 'files'}."
            )
        if len(sources) == 1 and sources[0].period == str(period) and sources[0].generation:
            raise NoFiles(
                f"There is nothing to merge: {record_type} {period} is already one merged file,"
                f" {sources[0].key}."
            )
        merge = _begin(record_type, period)
        try:
            return _consolidate(merge, period, sources, limit_bytes, on_records)
        except JobStopped:
            _current(merge).update(state=MergeState.FRAGMENTED)
            raise
        except (Refusal, OSError) as failure:
            ended: dict[str, object] = {
                "state": MergeState.FRAGMENTED,
                "error": error_text(failure),
            }
            if isinstance(failure, OSError):  # the bucket may yet take what it was sent
                ended["generation"] = F("generation") + 1
            _current(merge).update(**ended)
            raise


@transaction.atomic
def _begin(record_type: str, period: Period) -> Merge:
    """The row of the next generation. One that an earlier attempt left behind is taken up; where
    that attempt did not say how it ended, it may still be writing, and its generation is left out.
    Raises MergeBusy if that attempt ended well at this very moment.
    """
    rows = Merge.objects.filter(record_type=record_type, period=str(period))
    newest = rows.aggregate(newest=Max("generation"))["newest"] or 0
    left = rows.exclude(state__in=DONE).select_for_update().first()
    if left is None:
        left = rows.create(record_type=record_type, period=str(period), generation=newest + 1)
    elif left.state != MergeState.FRAGMENTED:
        rows.filter(pk=left.pk).update(generation=newest + 1)
    rows.filter(pk=left.pk).update(attempt=F("attempt") + 1, state=MergeState.QUERYING, error="")
    return rows.get(pk=left.pk)


def _current(merge: Merge) -> QuerySet[Merge]:
    """The row as long as it is this attempt's and not merged."""
    return Merge.objects.filter(pk=merge.pk, attempt=merge.attempt).exclude(state__in=DONE)


def _consolidate(
    merge: Merge,
    period: Period,
    sources: list[LakeFile],
    limit_bytes: int,
    on_records: OnRecords,
) -> Merge:
    started = time.monotonic()
    found = contents.check_sources(merge.record_type, sources, limit_bytes)
    _current(merge).update(
        state=MergeState.CONSOLIDATING, files=len(sources), records_in=found.records
    )
    _delete_lost(merge.record_type, period)
    key = layout.merged_key(merge.record_type, period, merge.generation)
    copied = [0, *accumulate(source.records for source in sources)]
    with contents.upgraded_sources(merge.record_type, sources) as upgraded:
        changes = upgraded.changes
        expected = container.Summary(
            found.records, add_hashes([found.content_hash, *changes.values()])
        )
        contents.write_merged(
            merge.record_type,
            key,
            [source.key for source in sources],
            expected,
            lambda number: on_records(copied[number], expected.records),
            upgraded.copies,
        )
    size = contents.check_result(key, expected, limit_bytes)
    schema = schema_of(merge.record_type).name
    merged = NewFile(
        key, merge.record_type, period, schema, expected.records, size, expected.content_hash
    )
    try:
        with transaction.atomic():
            catalogue.switch(merge, sources, merged, seconds=round(time.monotonic() - started, 3))
            catalogue.change_hashes(merge.record_type, changes)
            ask_for_archive(merge)
    except (MergeBusy, OperationalError):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        _delete_if_lost(merge, key)
        raise
    return Merge.objects.get(pk=merge.pk)


def _delete_if_lost(merge: Merge, key: str) -> None:
    """Where another attempt has the row, this one's file can count no more."""
    if not _current(merge).exists() and not LakeFile.objects.filter(key=key).exists():
        buckets.campaign_data().delete(key)


def _delete_lost(record_type: str, period: Period) -> None:
    """Delete files of attempts that were killed: merged files of the period that the catalogue does
    not know. The caller has the period's lock.
    """
    bucket = buckets.campaign_data()
    there = set(bucket.list(layout.merged_folder(record_type, period)))
    known = LakeFile.objects.filter(key__in=there).values_list("key", flat=True)
    for key in there - set(known):
        if layout.is_merged_key(key, record_type, period):
            bucket.delete(key)
