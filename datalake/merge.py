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

import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from itertools import accumulate
from typing import BinaryIO, cast

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F, Max, QuerySet

from datalake import adopt, catalogue, layout
from datalake.archive import ask_for_archive
from datalake.avro import container, upgrading
from datalake.avro.columns import add_hashes
from datalake.catalogue import NewFile
from datalake.choices import MergeState, RecordType
from datalake.errors import (
    CountMismatch,
    MergeBusy,
    NoFiles,
    OutdatedSchema,
    TooLarge,
    TypeNotEnabled,
)
from datalake.layout import Period
from datalake.models import LakeFile, Merge
from datalake.records import schema_of
from datalake.schemas import VERSIONS
from datalake.storage import buckets
from datalake.storage.parts import read_in_parts
from operations.database.locks import exclusive
from operations.errors import JobStopped, Refusal, error_text

logger = logging.getLogger(__name__)

DONE = (MergeState.MERGED, MergeState.ARCHIVED)
LARGEST_BYTES = 1_200_000_000  # 1.2 GB, of 10^9 bytes


def enabled_types() -> list[str]:
    """The record types that may be merged; the setting MERGE_RECORD_TYPES narrows them."""
    return list(getattr(settings, "MERGE_RECORD_TYPES", RecordType.values))


# Why a period was not merged: it was refused, or disk or bucket did not do their part.
Failure = Refusal | OSError
# records that are copied, of how many
OnRecords = Callable[[int, int], object]
Opener = Callable[[], BinaryIO]


def merge_past(
    record_types: Sequence[str],
    *,
    monthly: bool,
    now: datetime,
    on_period: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[list[Merge], list[Failure]]:
    """Merge every past period of these types that has loose files, late ones and foreign ones
    included.

    A period that fails does not hold up the others. Returns the merges and the failures.
    `on_period` is called before each period with how many are done, of how many. Raises
    TypeNotEnabled; OSError where the lake cannot be listed.
    """
    today = layout.day_of(now).last_day
    for record_type in record_types:
        require_enabled(record_type)
    periods = [
        (each, period)
        for each in record_types
        for period in _past_periods(each, monthly=monthly, today=today)
    ]
    merges, failures = _merge_all(periods, on_period)
    others = [
        (each, period)
        for each in record_types
        for period in catalogue.fragmented_periods(each, monthly=monthly, before=today)
        if (each, period) not in periods
    ]  # of which a foreign file held records
    more_merges, more_failures = _merge_all(others, on_period)
    return merges + more_merges, failures + more_failures


def merge_each(record_types: Sequence[str], period: Period) -> tuple[list[Merge], list[Failure]]:
    """Merge one period of these types, over or not. Types without files are passed over unless none
    has any (NoFiles).
    """
    merges, failures = _merge_all([(record_type, period) for record_type in record_types])
    real = [failure for failure in failures if not isinstance(failure, NoFiles)]
    return merges, real if merges else real or failures


def _merge_all(
    periods: Sequence[tuple[str, Period]],
    on_period: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[list[Merge], list[Failure]]:
    merges: list[Merge] = []
    failures: list[Failure] = []
    for done, (record_type, period) in enumerate(periods):
        on_period(done, len(periods))
        try:
            merges.append(merge_period(record_type, period))
        except (Refusal, OSError) as failure:
            logger.warning(
                "merge failed",
                extra={"type": record_type, "period": str(period), "why": error_text(failure)},
            )
            failures.append(failure)
    return merges, failures


def _past_periods(record_type: str, *, monthly: bool, today: date) -> list[Period]:
    foreign = [layout.parse_loose_key(key) for key in adopt.foreign_keys(record_type)]
    days = [located[1] for located in foreign if located and located[1].last_day < today]
    waiting = (
        {day.month_period for day in days if day.month_period.last_day < today}
        if monthly
        else set(days)
    )
    return sorted(
        waiting | set(catalogue.fragmented_periods(record_type, monthly=monthly, before=today))
    )


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
    found = check_sources(merge.record_type, sources, limit_bytes)
    _current(merge).update(
        state=MergeState.CONSOLIDATING, files=len(sources), records_in=found.records
    )
    _delete_lost(merge.record_type, period)
    key = layout.merged_key(merge.record_type, period, merge.generation)
    copied = [0, *accumulate(source.records for source in sources)]
    with _upgraded(merge.record_type, sources) as upgraded:
        changes = upgraded.changes
        expected = container.Summary(
            found.records, add_hashes([found.content_hash, *changes.values()])
        )
        write_merged(
            merge.record_type,
            key,
            [source.key for source in sources],
            expected,
            lambda number: on_records(copied[number], expected.records),
            upgraded.copies,
        )
    size = _check_result(key, expected, limit_bytes)
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


@dataclass
class Upgraded:
    """Copies of sources under a newer version of their schema, opened by key, and what that adds to
    the content hash of each day.
    """

    copies: dict[str, Opener] = field(default_factory=dict)
    changes: Counter[date] = field(default_factory=Counter)


@contextmanager
def _upgraded(record_type: str, sources: Sequence[LakeFile]) -> Iterator[Upgraded]:
    """Sources of an older version are decoded, and encoded under the one in force, on this
    machine's disk: all in one file, because a process may not have a thousand open. Raises NotAvro.
    """
    schema, upgraded, bucket = schema_of(record_type), Upgraded(), buckets.campaign_data()
    with tempfile.TemporaryFile() as file:
        copies = cast("BinaryIO", file)
        for source in sources:
            if source.schema == schema.name:
                continue
            start = copies.tell()
            with bucket.open(source.key) as opened:
                changes = upgrading.upgrade(opened, copies, schema, name=source.key)
            upgraded.changes.update({day.last_day: change for day, change in changes.items()})
            upgraded.copies[source.key] = partial(_copy, copies, start, copies.tell())
        copies.flush()
        yield upgraded


def _copy(copies: BinaryIO, start: int, end: int) -> BinaryIO:
    def fetch(first: int, last: int) -> bytes:
        return os.pread(copies.fileno(), last - first, start + first)

    return read_in_parts(end - start, fetch)


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


def check_sources(
    record_type: str, sources: Sequence[LakeFile], limit_bytes: int
) -> container.Summary:
    """Every source's header against its version of the schema and the catalogue. Returns what they
    hold together.

    Raises TooLarge, OutdatedSchema, CountMismatch, NotAvro.
    """
    total = sum(source.bytes for source in sources)
    if total > limit_bytes:
        raise TooLarge(
            f"{len(sources)} files of {record_type} have {total:,} bytes, which is more"
            f" than the limit of {limit_bytes:,} for a merge."
        )
    bucket = buckets.campaign_data()
    for source in sources:
        with bucket.open(source.key) as opened:
            header = container.read_header(opened)
        schema = VERSIONS.get(source.schema)
        if (
            schema is None
            or (header.schema_name, header.schema) != (schema.name, schema.avro)
            or not header.normalised
            or header.codec != container.CODEC
        ):
            raise OutdatedSchema(
                f"{source.key} was not written with a known version of the schema of"
                f" {record_type}. Convert the file or move it away."
            )
        if header.summary != container.Summary(source.records, int(source.content_hash, 16)):
            raise CountMismatch(
                f"{source.key} does not match its catalogue entry. Check who changed the file."
            )
    hashes = [int(source.content_hash, 16) for source in sources]
    return container.Summary(sum(source.records for source in sources), add_hashes(hashes))


def write_merged(
    record_type: str,
    key: str,
    source_keys: Sequence[str],
    expected: container.Summary,
    on_source: Callable[[int], object],
    instead: Mapping[str, Opener],
) -> None:
    """Copy all blocks into one file; `on_source` is called with the number of each source before it
    is copied, and `instead` opens what is copied in the place of some. Raises CountMismatch before
    anything is published if they are not what was expected.
    """
    # every attempt makes the same bytes of the same sources
    name = key.rpartition("/")[0]
    with buckets.campaign_data().writer(key) as out:
        records = container.merge(
            out,
            schema_of(record_type),
            _opened(source_keys, on_source, instead),
            summary=expected,
            name=name,
        )
        if records != expected.records:
            raise CountMismatch(
                f"{len(source_keys)} files of {record_type} should contain {expected.records:,}"
                f" records but contain {records:,}."
            )


def _opened(
    keys: Sequence[str], on_source: Callable[[int], object], instead: Mapping[str, Opener]
) -> Iterator[BinaryIO]:
    bucket = buckets.campaign_data()
    for number, key in enumerate(keys):
        on_source(number)
        with instead.get(key, partial(bucket.open, key))() as source:
            yield source


def _check_result(key: str, expected: container.Summary, limit_bytes: int) -> int:
    """Read back what was written. Returns its size; removes it and raises TooLarge or CountMismatch
    if it cannot stand.
    """
    bucket = buckets.campaign_data()
    size = bucket.size(key)
    with bucket.open(key) as written:
        header = container.read_header(written)
        records = container.count_records(written, header.sync)
    if size > limit_bytes:
        bucket.delete(key)
        raise TooLarge(
            f"The merged file {key} would have {size:,} bytes, which is more than the limit"
            f" of {limit_bytes:,}."
        )
    if header.summary != expected or records != expected.records:
        bucket.delete(key)
        raise CountMismatch(
            f"{key} contains {records:,} records instead of {expected.records:,}, so it was"
            " removed."
        )
    return size
