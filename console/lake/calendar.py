"""A month of the lake: what each day of each type is, from the catalogue alone. [L-4]

Whatever the lake holds, a month costs a look into an index for each type, day and state, and at
most MOST_COUNTED entries of a day are counted.
"""

from __future__ import annotations

from calendar import Calendar, monthrange
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from console.lake.days import MOST_COUNTED, DayState, Found, counted, short, state_of
from datalake import layout
from datalake.choices import FileState, MergeState, RecordType
from datalake.errors import BadPeriod
from datalake.layout import Period
from datalake.merging import merge
from datalake.models import LakePartition, Merge
from operations.database.statements import rows

FIRST_YEAR, LAST_YEAR = 2, 9998
WORKING = (MergeState.QUERYING, MergeState.CONSOLIDATING)
_LOOKED_AT = """
    SELECT asked_type, asked_period,
        (SELECT count(*) FROM (
            SELECT FROM datalake_lakefile WHERE record_type = asked_type
                AND period = asked_period AND state = %(loose)s LIMIT %(most)s) AS counted),
        EXISTS (SELECT FROM datalake_lakefile WHERE record_type = asked_type
            AND period = asked_period AND state = %(merged)s),
        EXISTS (SELECT FROM datalake_lakefile WHERE record_type = asked_type
            AND period = asked_period AND state = %(superseded)s)
    FROM unnest(%(types)s::text[]) AS asked_type, unnest(%(periods)s::text[]) AS asked_period"""


@dataclass(frozen=True)
class Day:
    """A cell: one type and day."""

    record_type: str
    day: date
    state: DayState
    records: int
    loose: int
    error: str = ""

    @property
    def name(self) -> str:
        """What its page is found by."""
        return f"{self.record_type}/{self.day}"

    @property
    def records_short(self) -> str:
        return short(self.records)

    @property
    def loose_words(self) -> str:
        """`3 late files`, `500 files`; blank where one merged file is all."""
        if not self.loose:
            return ""
        late = "late " if self.state == DayState.LATE else ""
        return f"{counted(self.loose)} {late}file{'s' * (self.loose != 1)}"

    @property
    def label(self) -> str:
        """The whole cell in words."""
        parts = [f"{self.day:%-d %B %Y}: {self.state}", f"{self.records:,} records"]
        return ", ".join([*parts, self.loose_words] if self.loose else parts)


@dataclass(frozen=True)
class Month:
    """The days of one type in weeks from Monday to Sunday, None outside of the month; and the
    month's own file.
    """

    record_type: str
    weeks: Sequence[Sequence[Day | None]]
    period: Period
    own: DayState
    records: int
    error: str = ""

    @property
    def name(self) -> str:
        """What the page of the month's own files is found by."""
        return f"{self.record_type}/{self.period}"

    @property
    def days(self) -> Iterator[Day]:
        return (day for week in self.weeks for day in week if day)

    @property
    def states(self) -> list[tuple[DayState, int]]:
        """How many days are in which state, what needs a person first."""
        counts: dict[DayState, int] = defaultdict(int)
        for day in self.days:
            counts[day.state] += 1
        return [
            (state, counts[state])
            for state in DayState
            if counts[state] and state != DayState.NOTHING
        ]


def types() -> list[str]:
    """The types that the lake has or may get: those of campaigns first."""
    others = LakePartition.objects.exclude(record_type__in=RecordType.values)
    found = others.order_by("record_type").values_list("record_type", flat=True).distinct()
    return [*RecordType.values, *found]


def newest_month(record_types: Sequence[str], *, today: date) -> Period:
    """The month of the newest records that are not of the future; else this month."""
    newest = (
        LakePartition.objects.filter(record_type__in=record_types, records__gt=0, day__lte=today)
        .order_by("-day")
        .values_list("day", flat=True)
        .first()
    )
    return layout.day_of(newest or today).month_period


def month_of(text: str) -> Period | None:
    """A month that an address asks for; None of another text, and of a month at the end of time."""
    try:
        period = layout.parse_period(text)
    except BadPeriod:
        return None
    return period if period.is_month and FIRST_YEAR <= period.year <= LAST_YEAR else None


def months(record_types: Sequence[str], month: Period) -> list[Month]:
    """The calendar of each type, in three queries."""
    days = [
        date(month.year, month.month, number)
        for number in range(1, monthrange(month.year, month.month)[1] + 1)
    ]
    found = look_at(record_types, [str(month), *map(str, days)])
    records = _records(record_types, days[0], days[-1])
    mergeable = set(merge.enabled_types())
    return [
        _month(each, month, found, records[each], is_mergeable=each in mergeable)
        for each in record_types
    ]


def _month(
    record_type: str,
    month: Period,
    found: dict[tuple[str, str], Found],
    records: dict[date, int],
    *,
    is_mergeable: bool,
) -> Month:
    whole = found[record_type, str(month)]

    def cell(day: date) -> Day | None:
        if day.month != month.month:
            return None
        own = found[record_type, str(day)]
        of_day = within_month(own, is_merged=whole.is_merged, is_merging=whole.is_merging)
        held = records.get(day, 0)
        state = state_of(of_day, records=held, is_mergeable=is_mergeable)
        return Day(record_type, day, state, held, own.loose, own.error)

    weeks = Calendar().monthdatescalendar(month.year, month.month)
    return Month(
        record_type,
        [[cell(day) for day in week] for week in weeks],
        month,
        state_of(whole, records=0, is_mergeable=is_mergeable),
        sum(records.values()),
        whole.error,
    )


def within_month(day: Found, *, is_merged: bool, is_merging: bool) -> Found:
    """A day, with what its month's own merge makes of it."""
    return replace(
        day, is_in_month=is_merged, is_merging=day.is_merging or (is_merging and day.loose > 0)
    )


def look_at(
    record_types: Collection[str], periods: Collection[str]
) -> dict[tuple[str, str], Found]:
    """What the catalogue has of these types and periods."""
    looked = rows(
        _LOOKED_AT,
        types=list(record_types),
        periods=list(periods),
        loose=FileState.LOOSE.value,
        merged=FileState.MERGED.value,
        superseded=FileState.SUPERSEDED.value,
        most=MOST_COUNTED + 1,
    )
    merges = {
        (each.record_type, each.period): each
        for each in Merge.objects.filter(record_type__in=record_types, period__in=periods).order_by(
            "generation"
        )
    }
    return {
        (record_type, period): Found(
            loose,
            is_merged,
            has_originals=has_originals,
            is_merging=(last := merges.get((record_type, period))) is not None
            and last.state in WORKING,
            error=last.error if last else "",
        )
        for record_type, period, loose, is_merged, has_originals in looked
    }


def _records(record_types: Sequence[str], first: date, last: date) -> dict[str, dict[date, int]]:
    found: dict[str, dict[date, int]] = {each: {} for each in record_types}
    within = LakePartition.objects.filter(
        record_type__in=record_types, day__range=(first, last), records__gt=0
    )
    for record_type, day, records in within.values_list("record_type", "day", "records"):
        found[record_type][day] = records
    return found


def beside(month: Period) -> tuple[Period | None, Period | None]:
    """The months before and after."""
    before = layout.day_of(date(month.year, month.month, 1) - timedelta(days=1)).month_period
    after = layout.day_of(month.last_day + timedelta(days=1)).month_period
    return (
        before if before.year >= FIRST_YEAR else None,
        after if after.year <= LAST_YEAR else None,
    )
