"""What was published beside what readers of the lake find. Pure. [X-9]"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce

from datalake.avro.columns import MODULUS, add_hashes
from datalake.avro.container import Summary
from datalake.layout import Period, day_of

NOTHING = Summary(0, 0)


@dataclass(frozen=True)
class Published:
    """What the database says of one type and day. Records of files that others put into the lake,
    and records of fans who were erased since (tombstones), are among `content`.
    """

    content: Summary = NOTHING
    from_files: int = 0
    tombstones: int = 0


@dataclass(frozen=True)
class Compared:
    """One type and period: a day, or a month where the lake keeps its days in one file. `error`
    names a file that cannot be read.
    """

    record_type: str
    period: Period
    database: Published
    lake: Summary
    error: str = ""

    @property
    def ok(self) -> bool:
        return self.database.content == self.lake and not self.error


def total(summaries: Iterable[Summary]) -> Summary:
    """What they hold together."""
    parts = list(summaries)
    return Summary(
        sum(part.records for part in parts), add_hashes([part.content_hash for part in parts])
    )


def without(whole: Summary, part: Summary) -> Summary:
    """What is left of the whole."""
    return Summary(whole.records - part.records, (whole.content_hash - part.content_hash) % MODULUS)


def compare(
    record_type: str,
    published: Mapping[date, Published],
    lake: Mapping[Period, Summary],
    errors: Mapping[Period, str],
) -> list[Compared]:
    """Every period that one side has, oldest first. Days of a month that is one period of the lake
    are compared with it together.
    """
    months = {period for period in [*lake, *errors] if period.is_month}
    database: dict[Period, list[Published]] = defaultdict(list)
    for day, content in published.items():
        database[_shown(day_of(day), months)].append(content)
    found: dict[Period, list[Summary]] = defaultdict(list)
    for period, summary in lake.items():
        found[_shown(period, months)].append(summary)
    said = {_shown(period, months): error for period, error in errors.items()}
    return [
        Compared(
            record_type,
            each,
            reduce(plus, database[each], Published()),
            total(found[each]),
            said.get(each, ""),
        )
        for each in sorted({*database, *found, *said})
    ]


def _shown(period: Period, months: set[Period]) -> Period:
    return period.month_period if period.month_period in months else period


def plus(first: Published, second: Published) -> Published:
    """What both say together."""
    return Published(
        total([first.content, second.content]),
        first.from_files + second.from_files,
        first.tombstones + second.tombstones,
    )
