"""Database against lake by type and day, and how they compared last. [L-9, X-9]"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from datalake import catalogue, save, streams
from datalake.choices import LAKE_STREAMS, RecordType
from datalake.errors import ParityBusy, UnknownRecordType
from datalake.layout import Period
from datalake.models import ParityResult
from datalake.parity import comparison, lake_files, published
from datalake.parity.comparison import Compared
from operations.database.locks import lock_in_transaction
from operations.database.snapshots import one_snapshot

LONGEST_ERROR = 500
AGAIN = 3  # files that are merged and archived while they are read


@dataclass(frozen=True)
class Parity:
    """What was compared, and how many records on the streams the lake has not saved yet."""

    partitions: Sequence[Compared]
    waiting: int

    @property
    def ok(self) -> bool:
        return all(each.ok for each in self.partitions)


def check(
    record_types: Sequence[str] = (),
    *,
    day: Period | None = None,
    read_files: bool = False,
    on_step: Callable[[], object] = lambda: None,
) -> Parity:
    """Compare, and keep the results. Without types all campaign types; with `day` only the period
    that holds it. `read_files` reads every record of the files instead of trusting their entries.
    `on_step` is called before each claim and file.

    Raises UnknownRecordType for a type that is on no stream.
    """
    types = list(record_types) or list(RecordType.values)
    if unknown := sorted(set(types) - set(RecordType.values)):
        raise UnknownRecordType(
            f"{unknown[0]!r} cannot be compared. Record types: {', '.join(RecordType.values)}."
        )
    published.count_published(on_step)
    found: list[Compared] = []
    for record_type in types:
        partitions = _compare(record_type, read_files=read_files, on_step=on_step)
        if day:
            partitions = [each for each in partitions if each.period in {day, day.month_period}]
        _keep(record_type, partitions, only=day, read_files=read_files)
        found += partitions
    return Parity(found, waiting_records())


def waiting_records() -> int:
    """Records on the streams that the lake has not saved yet."""
    return sum(
        streams.records_after(stream, streams.reached(save.CONSUMER, stream))
        for stream in LAKE_STREAMS
    )


def _compare(
    record_type: str, *, read_files: bool, on_step: Callable[[], object]
) -> list[Compared]:
    for _ in range(AGAIN):
        with one_snapshot():
            snapshot = lake_files.take(record_type)
        try:
            found = (
                lake_files.in_files(snapshot, on_step)
                if read_files
                else lake_files.in_catalogue(snapshot)
            )
        except lake_files.Moved:
            continue
        return comparison.compare(record_type, snapshot.published, found.summaries, found.errors)
    raise ParityBusy(
        f"The files of {record_type} were merged and archived while they were read. Try again."
    )


@transaction.atomic
def _keep(
    record_type: str, partitions: Sequence[Compared], *, only: Period | None, read_files: bool
) -> None:
    """In place of all earlier results of the type, or of those of the one period, also where
    nothing is left of it; a month takes the place of its days. Checks that run at the same time
    take turns.
    """
    lock_in_transaction(f"parity:{record_type}")
    ours = ParityResult.objects.filter(record_type=record_type)
    if only:
        month = str(only.month_period)
        is_whole = any(each.period.is_month for each in partitions)
        ours = ours.filter(
            Q(period__startswith=month) if is_whole else Q(period__in=[str(only), month])
        )
    ours.delete()
    now = timezone.now()
    ParityResult.objects.bulk_create(
        _result(each, now, files_read=read_files) for each in partitions
    )


def _result(compared: Compared, now: datetime, *, files_read: bool) -> ParityResult:
    database = compared.database
    return ParityResult(
        record_type=compared.record_type,
        period=str(compared.period),
        ok=compared.ok,
        database_records=database.content.records,
        database_hash=catalogue.as_text(database.content.content_hash),
        lake_records=compared.lake.records,
        lake_hash=catalogue.as_text(compared.lake.content_hash),
        from_files=database.from_files,
        tombstones=database.tombstones,
        files_read=files_read,
        error=compared.error[:LONGEST_ERROR],
        checked_at=now,
    )
