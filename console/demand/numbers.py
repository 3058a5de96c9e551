"""What the demand archive's first page counts: records per type and day, batches per day, streams.
[D-5]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, IntegerField, Max, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, TruncDate

from console.words import words
from datalake.models import LakePartition
from demand.choices import BatchState, DemandType, ErrorType
from demand.models import Batch, Shard

SHOWN_DAYS = 60
BATCH_DAYS = 14
AHEAD = timedelta(days=30)  # sales lie in the future, some dates by mistake far in it
SHARDS = 100


@dataclass(frozen=True)
class Volumes:
    """Records by type and partition date, on SHOWN_DAYS days from `first`."""

    first: date
    counts: Mapping[str, Mapping[date, int]]

    @property
    def last(self) -> date:
        return self.first + timedelta(days=SHOWN_DAYS - 1)

    @property
    def earlier(self) -> date | None:
        return None if self.first.year < 2 else self.first - timedelta(days=1)

    @property
    def later(self) -> date | None:
        return None if self.last.year > 9998 else self.last + timedelta(days=SHOWN_DAYS)


def volumes(*, today: date, until: date | None = None) -> Volumes:
    """The days up to `until`; else to the newest that has records and is no more than a month
    ahead. Two queries at most.
    """
    ours = LakePartition.objects.filter(record_type__in=DemandType.values, records__gt=0)
    last = (
        until or ours.filter(day__lte=today + AHEAD).aggregate(newest=Max("day"))["newest"] or today
    )
    first = max(last, date.min + timedelta(days=SHOWN_DAYS)) - timedelta(days=SHOWN_DAYS - 1)
    counts: dict[str, dict[date, int]] = {name: {} for name in DemandType.values}
    within = ours.filter(day__range=(first, first + timedelta(days=SHOWN_DAYS - 1)))
    for record_type, day, records in within.values_list("record_type", "day", "records"):
        counts[record_type][day] = records
    return Volumes(first, counts)


def batches_by_day(*, now: datetime) -> list[dict[str, Any]]:
    """Newest first: day, batches, events, archived, errors, their types, what was left out; and
    what is not done. One query.
    """
    since = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        days=BATCH_DAYS - 1
    )
    days = (
        Batch.objects.filter(created_at__gte=since)
        .annotate(day=TruncDate("created_at", tzinfo=UTC))
        .values("day")
        .annotate(**ledger(), **_errors())
        .order_by("-day")
    )
    return [day | {"by_type": _types(day)} for day in days]


def ledger() -> dict[str, Any]:
    """Sums over batches. Events of batches that are still open, or lost, are counted separately:
    they are neither archived nor errors.
    """
    done = Q(state=BatchState.DONE)
    return {
        "batches": Count("pk"),
        "events_in": Sum("events", filter=done, default=0),
        "archived_in": Sum("archived", filter=done, default=0),
        "errors_in": Sum("errors", filter=done, default=0),
        "left_out": Sum(F("unknown_attributes") + F("systems_left_out"), default=0),
        "open": Sum("events", filter=Q(state=BatchState.OPEN), default=0),
        "lost": Sum("events", filter=Q(state=BatchState.LOST), default=0),
    }


def last_day(*, now: datetime) -> dict[str, Any]:
    """The ledger of the last 24 hours."""
    return Batch.objects.filter(created_at__gte=now - timedelta(days=1)).aggregate(**ledger())


def _types(row: Mapping[str, Any]) -> list[tuple[str, int]]:
    """(type in words, errors), the most frequent first."""
    counts = [
        (words(name), row[f"errors_{name}"]) for name in ErrorType.values if row[f"errors_{name}"]
    ]
    return sorted(counts, key=lambda each: -each[1])


def streams() -> QuerySet[Shard]:
    """Shards that are read, the one that is furthest behind first; those that are at their end come
    last.
    """
    return Shard.objects.order_by("ended", "-behind_seconds", "stream", "shard_id")[:SHARDS]


def of_source(source: str) -> dict[str, Any]:
    """The ledger of all batches of one source, with the archived records by type, and the errors by
    type. One query.
    """
    archived = {
        f"archived_{name}": Sum(Cast(KT(f"type_counts__{name}"), IntegerField()))
        for name in DemandType.values
    }
    row = Batch.objects.filter(source=source).aggregate(**ledger(), **_errors(), **archived)
    kept = {name: row[f"archived_{name}"] for name in DemandType.values if row[f"archived_{name}"]}
    failed = {name: row[f"errors_{name}"] for name in ErrorType.values if row[f"errors_{name}"]}
    return row | {"archived_by_type": kept, "errors_by_type": failed}


def _errors() -> dict[str, Any]:
    return {
        f"errors_{name}": Sum(Cast(KT(f"error_counts__{name}"), IntegerField()))
        for name in ErrorType.values
    }
