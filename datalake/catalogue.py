"""Which files make each period: the only truth readers go by. Every change is one transaction.
[L-4]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from datalake.avro.columns import add_hashes
from datalake.choices import READABLE, FileState, MergeState
from datalake.errors import CountMismatch, MergeBusy
from datalake.layout import Period, parse_period
from datalake.models import Claim, LakeFile, LakePartition, Merge, PublishedDay


@dataclass(frozen=True)
class NewFile:
    """A file that was just written, to be entered. `content_hash` is the number, not its text."""

    key: str
    record_type: str
    period: Period
    schema: str
    records: int
    bytes: int
    content_hash: int
    sha256: str = ""


def as_text(content_hash: int) -> str:
    return f"{content_hash:064x}"


def readable_files(record_type: str, period: Period) -> list[LakeFile]:
    """The files that hold the records of a day or a month, each record once.

    A day that was merged into its month is found in the month's file, together with the other days:
    filter by date.created.
    """
    files = LakeFile.objects.filter(record_type=record_type, state__in=READABLE).order_by(
        "period", "key"
    )
    if period.is_month:
        return list(files.filter(period__startswith=str(period)))
    return list(files.filter(period__in=[str(period), str(period.month_period)]))


def mergeable_files(record_type: str, period: Period) -> list[LakeFile]:
    """What a merge of the period would take: the readable files of its own, those of its days
    included.
    """
    return [
        file
        for file in readable_files(record_type, period)
        if period.is_month or file.period == str(period)
    ]


def fragmented_periods(record_type: str, *, monthly: bool, before: date) -> list[Period]:
    """Past periods with loose files (for months: with anything not yet in the month's file), oldest
    first. [L-3]
    """
    files = LakeFile.objects.filter(
        record_type=record_type, state__in=READABLE, period__regex=r"^\d{4}-\d\d-\d\d$"
    )
    if not monthly:
        files = files.filter(state=FileState.LOOSE)
    days = [parse_period(text) for text in files.values_list("period", flat=True).distinct()]
    periods = {day.month_period for day in days} if monthly else set(days)
    return sorted(period for period in periods if period.last_day < before)


def enter_saved(files: Sequence[NewFile], claim: Claim) -> None:
    """Make a claim's files visible and add them to their days' totals. In the claim's
    transaction.
    """
    LakeFile.objects.bulk_create([_row(file, state=FileState.LOOSE, claim=claim) for file in files])
    add_to_days(files)


def enter_delivered(files: Sequence[NewFile]) -> list[LakeFile]:
    """Make files visible that come from no claim of a stream; `add_to_days` adds them to their
    days. [D-8]
    """
    return LakeFile.objects.bulk_create([_row(file, state=FileState.LOOSE) for file in files])


def add_to_days(files: Sequence[NewFile]) -> None:
    """Add files to their days' totals, however many in three statements. Days are locked in the
    order of type and day. [L-9]
    """
    added: dict[tuple[str, date], list[NewFile]] = defaultdict(list)
    for file in sorted(files, key=lambda each: (each.record_type, each.period)):
        added[file.record_type, file.period.last_day].append(file)
    empty = [LakePartition(record_type=record_type, day=day) for record_type, day in added]
    LakePartition.objects.bulk_create(empty, ignore_conflicts=True)
    ours = reduce(
        or_, (Q(record_type=record_type, day=day) for record_type, day in added), Q(pk=None)
    )
    days = list(
        LakePartition.objects.filter(ours).order_by("record_type", "day").select_for_update()
    )
    for day in days:
        new = added[day.record_type, day.day]
        day.records += sum(file.records for file in new)
        day.content_hash = as_text(
            add_hashes([int(day.content_hash, 16), *(file.content_hash for file in new)])
        )
        day.updated_at = timezone.now()
    LakePartition.objects.bulk_update(days, ["records", "content_hash", "updated_at"])


def enter_rewritten(file: LakeFile, *, content_hash: int, size: int, sha256: str) -> None:
    """Enter that a day's file holds other content under the same key, in as many records; the day's
    total goes with it. [X-11]

    Raises CountMismatch if the entry is no longer as `file` has it.
    """
    with transaction.atomic():
        same = LakeFile.objects.filter(pk=file.pk, content_hash=file.content_hash)
        if not same.update(content_hash=as_text(content_hash), bytes=size, sha256=sha256):
            raise CountMismatch(
                f"The catalog entry of {file.key} was changed by another process. Nothing was"
                " changed."
            )
        kept = LakePartition.objects.select_for_update()
        day = kept.get(record_type=file.record_type, day=parse_period(file.period).last_day)
        total = add_hashes([int(day.content_hash, 16), -int(file.content_hash, 16), content_hash])
        LakePartition.objects.filter(pk=day.pk).update(
            content_hash=as_text(total), updated_at=timezone.now()
        )


def change_hashes(record_type: str, changes: Mapping[date, int]) -> None:
    """Enter that a merge writes the same records of these days with other bytes, under a newer
    version of their schema: what it adds to their content hashes. In the transaction of the
    switch, so that both sides of parity change at once. [L-3, L-9]
    """
    for day, change in sorted(changes.items()):
        for totals in (LakePartition.objects, PublishedDay.objects):
            totals.get_or_create(record_type=record_type, day=day)
            row = totals.select_for_update().get(record_type=record_type, day=day)
            changed = as_text(add_hashes([int(row.content_hash, 16), change]))
            totals.filter(pk=row.pk).update(content_hash=changed)


def enter_without_a_fan(
    file: LakeFile, *, content_hash: int, size: int, sha256: str, days: Mapping[date, int]
) -> bool:
    """As `enter_rewritten`, of a file that may hold a month: `days` says by how much each day's
    hash changed. The days' totals follow where readers see the file; True then. [X-11]
    """
    LakeFile.objects.filter(pk=file.pk).update(
        content_hash=as_text(content_hash), bytes=size, sha256=sha256
    )
    if file.state not in READABLE:
        return False
    for day, change in sorted(days.items()):
        about = {"record_type": file.record_type, "day": day}
        row = LakePartition.objects.select_for_update().get(**about)
        total = add_hashes([int(row.content_hash, 16), change])
        LakePartition.objects.filter(pk=row.pk).update(
            content_hash=as_text(total), updated_at=timezone.now()
        )
    return True


def enter_adopted(original: NewFile) -> None:
    """Enter a foreign file whose records were saved in files of ours: readers never see it, the
    next archive takes it.
    """
    LakeFile.objects.bulk_create(
        [_row(original, state=FileState.SUPERSEDED)], ignore_conflicts=True
    )


def switch(merge: Merge, sources: Collection[LakeFile], merged: NewFile, *, seconds: float) -> None:
    """From the sources to the merged file in one step. Raises MergeBusy if this attempt or a source
    is no longer current.
    """
    with transaction.atomic():
        now = timezone.now()
        won = Merge.objects.filter(
            pk=merge.pk, attempt=merge.attempt, state=MergeState.CONSOLIDATING
        ).update(
            state=MergeState.MERGED,
            merged_key=merged.key,
            files=len(sources),
            records_in=sum(source.records for source in sources),
            records_out=merged.records,
            bytes_before=sum(source.bytes for source in sources),
            bytes_after=merged.bytes,
            seconds=seconds,
            merged_at=now,
            error="",
        )
        gone = LakeFile.objects.filter(pk__in=[source.pk for source in sources], state__in=READABLE)
        if not won or gone.update(state=FileState.SUPERSEDED, merged_into=merge) != len(sources):
            raise MergeBusy(
                f"The files of {merge} were changed by another process. Merge the period again."
            )
        orphans = LakeFile.objects.filter(
            record_type=merge.record_type,
            period__startswith=merge.period,
            state=FileState.SUPERSEDED,
            merged_into=None,
        )
        orphans.update(merged_into=merge)
        LakeFile.objects.bulk_create(
            [_row(merged, state=FileState.MERGED, generation=merge.generation)]
        )


def _row(
    file: NewFile, *, state: FileState, generation: int = 0, claim: Claim | None = None
) -> LakeFile:
    return LakeFile(
        key=file.key,
        record_type=file.record_type,
        period=str(file.period),
        state=state,
        generation=generation,
        schema=file.schema,
        records=file.records,
        bytes=file.bytes,
        content_hash=as_text(file.content_hash),
        sha256=file.sha256,
        claim=claim,
    )
