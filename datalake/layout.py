"""Partition ↔ object key, and nothing else. Days and months are UTC. [L-2, L-3, L-5]"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from datalake.errors import BadPeriod
from operations import instants
from operations.instants import NaiveInstant

ROOT = "avro"
# the root of every file name made from what the file holds
NAMES = uuid5(NAMESPACE_URL, "fairwave:lake")

_LOOSE = re.compile(
    rf"{ROOT}/(?P<type>\w+)/(?P<y>\d{{4}})/(?P<m>\d\d)/(?P<d>\d\d)/(?P<name>[^/]+\.avro)", re.ASCII
)
_PREFIX = re.compile(
    rf"(?:{ROOT}/)?(?P<type>\w+)/(?P<y>\d{{4}})/(?P<m>\d\d)(?:/(?P<d>\d\d))?/?", re.ASCII
)
_PERIOD = re.compile(r"(?P<y>\d{4})-(?P<m>\d\d)(?:-(?P<d>\d\d))?", re.ASCII)


@dataclass(frozen=True, order=True)
class Period:
    """A UTC day, or a month where `day` is 0."""

    year: int
    month: int
    day: int = 0

    def __str__(self) -> str:
        return "-".join(self._parts())

    @property
    def path(self) -> str:
        return "/".join(self._parts())

    @property
    def slug(self) -> str:
        return "_".join(self._parts())

    @property
    def is_month(self) -> bool:
        return self.day == 0

    @property
    def month_period(self) -> Period:
        return Period(self.year, self.month)

    @property
    def last_day(self) -> date:
        return date(self.year, self.month, self.day or monthrange(self.year, self.month)[1])

    @property
    def end(self) -> datetime:
        """The first instant that is no longer in the period."""
        return datetime(*self.last_day.timetuple()[:3], tzinfo=UTC) + timedelta(days=1)

    def _parts(self) -> list[str]:
        return [f"{self.year:04}", f"{self.month:02}", *([f"{self.day:02}"] if self.day else [])]


def day_of(value: date | datetime) -> Period:
    """The day of a date, or of an aware instant in UTC. Raises BadPeriod for a naive instant."""
    if isinstance(value, datetime):
        try:
            value = instants.utc_day(value)
        except NaiveInstant as error:
            raise BadPeriod(
                f"{value.isoformat()} has no time zone offset. Add one, such as Z or +01:00."
            ) from error
    return Period(value.year, value.month, value.day)


def days_of(period: Period) -> list[Period]:
    """The days of a month; of a day, itself."""
    if not period.is_month:
        return [period]
    last = period.last_day.day
    return [Period(period.year, period.month, number) for number in range(1, last + 1)]


def parse_period(text: str) -> Period:
    """`2026-01-20` or `2026-01`. Raises BadPeriod."""
    return _checked(_PERIOD.fullmatch(text), text)


def parse_prefix(prefix: str) -> tuple[str, Period]:
    """Record type and period of `[avro/]{type}/YYYY/MM[/DD][/]`. Raises BadPeriod."""
    found = _PREFIX.fullmatch(prefix)
    period = _checked(found, prefix)
    return (found["type"] if found else ""), period


def parse_loose_key(key: str) -> tuple[str, Period, str] | None:
    """Record type, day and file name of a loose file's key; None for any other key."""
    found = _LOOSE.fullmatch(key)
    if not found:
        return None
    try:
        return found["type"], _checked(found, key), found["name"]
    except BadPeriod:
        return None


def _checked(found: re.Match[str] | None, text: str) -> Period:
    if found is None:
        raise BadPeriod(
            f"{text!r} is not a day or month. Write 2026-01-20, or a prefix such as"
            " avro/scoring/2026/01/20."
        )
    try:
        date(int(found["y"]), int(found["m"]), int(found["d"] or 1))
    except ValueError as error:
        raise BadPeriod(f"{text!r} is not a day or month of the calendar: {error}.") from error
    if found["d"] == "00":
        raise BadPeriod(f"{text!r} is not a day of the calendar.")
    return Period(int(found["y"]), int(found["m"]), int(found["d"] or 0))


def file_name(source: str, first: int, last: int, record_type: str, day: Period) -> UUID:
    """The name of what one claim holds of one type and day: the same claim has the same name
    however often it runs. [L-2]
    """
    return uuid5(NAMES, f"{source}:{first}-{last}:{record_type}:{day}")


def folder(record_type: str, period: Period) -> str:
    """Where the loose files of the period lie, with a slash at the end."""
    return f"{ROOT}/{record_type}/{period.path}/"


def loose_key(record_type: str, day: Period, name: UUID) -> str:
    return f"{folder(record_type, day)}{name}.avro"


def merged_folder(record_type: str, period: Period) -> str:
    """Where the merged files of the period lie, with a slash at the end."""
    return f"{ROOT}/{record_type}/merged/{period.path}/"


def merged_key(record_type: str, period: Period, generation: int) -> str:
    return f"{merged_folder(record_type, period)}{record_type}_{period.slug}.g{generation}.avro"


def is_merged_key(key: str, record_type: str, period: Period) -> bool:
    """Whether a merge of this period, not of one of its days, writes under this key."""
    number = key.rpartition(".g")[2].removesuffix(".avro")
    return number.isdecimal() and key == merged_key(record_type, period, int(number))


def manifests_folder(record_type: str) -> str:
    """Where the lists of readable files are that Glue's partitions point to, with a slash at the
    end. [L-4]
    """
    return f"{ROOT}/manifests/{record_type}/"


def archived_key(record_type: str, period: Period, name: str) -> str:
    return f"{ROOT}/archived/{record_type}/{period.path}/{name}"
