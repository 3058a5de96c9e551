"""How database and lake compared last, by day and type, in words. [L-9, X-9]"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from datalake import layout
from datalake.choices import RecordType
from datalake.layout import Period
from datalake.models import ParityResult
from operations.plurals import plural

MOST_DIFFERING = 50


@dataclass(frozen=True)
class Row:
    """One day, or the month where its days are one file: what was found of each type, None where
    neither side has records.
    """

    period: str
    results: Sequence[ParityResult | None]


def differing() -> list[ParityResult]:
    """What differs, of all periods, the newest first, at most MOST_DIFFERING."""
    found = ParityResult.objects.filter(ok=False).order_by("-period", "record_type")
    return list(found[:MOST_DIFFERING])


def month_rows(month: Period) -> list[Row]:
    """The month's own row first, then its days, as far as they were compared."""
    periods = [str(month), *map(str, layout.days_of(month))]
    found = {
        (each.period, each.record_type): each
        for each in ParityResult.objects.filter(
            period__in=periods, record_type__in=RecordType.values
        )
    }
    return [
        Row(period, [found.get((period, each)) for each in RecordType.values])
        for period in periods
        if any((period, each) in found for each in RecordType.values)
    ]


def last_checked() -> datetime | None:
    """When any period was compared last."""
    found: datetime | None = ParityResult.objects.aggregate(at=Max("checked_at"))["at"]
    return found


def newest_month(today: Period) -> Period:
    """The month of the newest period that was compared, but none that is to come."""
    newest = (
        ParityResult.objects.filter(period__lte=str(today))
        .order_by("-period")
        .values_list("period", flat=True)
        .first()
    )
    return (layout.parse_period(newest) if newest else today).month_period


def sentence(result: ParityResult) -> str:
    """What differs: `12 of 500 records are missing in the lake`."""
    if result.ok:
        return "The same"
    if result.error:
        return result.error
    more = result.lake_records - result.database_records
    if more < 0:
        return (
            f"{-more:,} of {plural(result.database_records, 'record')} are missing in the lake,"
            f" which has {result.lake_records:,}"
        )
    if more:
        return (
            f"The lake has {plural(more, 'record')} more than the database, which has"
            f" {result.database_records:,}"
        )
    return f"{plural(result.lake_records, 'record')} on both sides, but with other content"
