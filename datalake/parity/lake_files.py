"""The lake's side: what readers of each period find, as the catalogue has it or as the files
themselves hold it. [L-9, X-9]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from datalake.avro import columns, container
from datalake.avro.container import Summary
from datalake.choices import READABLE
from datalake.errors import NoSuchObject, NotAvro
from datalake.layout import Period, parse_period
from datalake.models import LakeFile
from datalake.parity import published
from datalake.parity.comparison import NOTHING, Published, total, without
from datalake.records import partition_day
from datalake.storage import buckets

HASHED_AT_A_TIME = 10_000


@dataclass(frozen=True)
class Snapshot:
    """One type as the database has it at one moment: what was published by day, the files that
    readers see, and what claims saved that are not counted yet, wherever it is now.
    """

    published: Mapping[date, Published]
    files: Sequence[LakeFile]
    not_counted: Mapping[Period, Summary]


@dataclass
class Found:
    """Period → what is there, and the file that speaks against it."""

    summaries: dict[Period, Summary] = field(default_factory=dict)
    errors: dict[Period, str] = field(default_factory=dict)

    def add(self, period: Period, summary: Summary) -> None:
        self.summaries[period] = total([self.summaries.get(period, NOTHING), summary])

    def leave_out(self, parts: Mapping[Period, Summary]) -> None:
        for period, part in parts.items():
            held = period if period in self.summaries else period.month_period
            self.summaries[held] = without(self.summaries.get(held, NOTHING), part)


def take(record_type: str) -> Snapshot:
    """Call it in one snapshot (operations/database/snapshots.py)."""
    files = LakeFile.objects.filter(record_type=record_type)
    new: dict[Period, list[Summary]] = defaultdict(list)
    for file in files.filter(claim__in=published.uncounted()):
        new[parse_period(file.period)].append(_entered(file))
    return Snapshot(
        published.published_days(record_type),
        list(files.filter(state__in=READABLE).order_by("period", "key")),
        {period: total(parts) for period, parts in new.items()},
    )


def in_catalogue(snapshot: Snapshot) -> Found:
    """What the entries of the files say."""
    found = Found()
    for file in snapshot.files:
        found.add(parse_period(file.period), _entered(file))
    found.leave_out(snapshot.not_counted)
    return found


def in_files(snapshot: Snapshot, on_file: Callable[[], object] = lambda: None) -> Found:
    """What the files hold, each record read and hashed; by day, also where they hold a month.
    `on_file` is called before each.
    """
    found = Found()
    for file in snapshot.files:
        on_file()
        try:
            for day, summary in _read(file.key).items():
                found.add(day, summary)
        except (NoSuchObject, NotAvro) as error:
            if LakeFile.objects.filter(pk=file.pk, key=file.key, state__in=READABLE).exists():
                found.errors[parse_period(file.period)] = str(error)
            else:  # merged and archived since the snapshot
                raise Moved from error
    found.leave_out(snapshot.not_counted)
    return found


def differing_file(
    record_type: str,
    is_wanted: Callable[[Period], bool],
    on_file: Callable[[], object] = lambda: None,
) -> str:
    """The key of a file of a wanted period that is away, or does not hold what its entry says;
    empty if there is none. Each is read as a whole; `on_file` is called before each.
    """
    right = set[int]()
    while left := [file for file in _readable(record_type, is_wanted) if file.pk not in right]:
        for file in left:
            on_file()
            try:
                held = total(_read(file.key).values())
            except (NoSuchObject, NotAvro):
                held = NOTHING
            if held == _entered(file):
                right.add(file.pk)
            elif _is_still(file):  # and not merged or written anew meanwhile
                return file.key
    return ""


def _readable(record_type: str, is_wanted: Callable[[Period], bool]) -> list[LakeFile]:
    files = LakeFile.objects.filter(record_type=record_type, state__in=READABLE).order_by("pk")
    return [file for file in files if is_wanted(parse_period(file.period))]


def _is_still(file: LakeFile) -> bool:
    as_it_was = {"pk": file.pk, "key": file.key, "content_hash": file.content_hash}
    return LakeFile.objects.filter(state__in=READABLE, **as_it_was).exists()


class Moved(Exception):
    """A file is no longer where the snapshot has it: take another one."""


def _read(key: str) -> dict[Period, Summary]:
    days: dict[Period, list[Summary]] = defaultdict(list)
    waiting: dict[Period, list[bytes]] = defaultdict(list)
    with buckets.campaign_data().open(key) as source:
        for number, (record, data) in enumerate(container.split(source, name=key), start=1):
            waiting[partition_day(record["date"]["created"])].append(data)
            if number % HASHED_AT_A_TIME == 0:
                _hash(waiting, days)
    _hash(waiting, days)
    return {day: total(parts) for day, parts in days.items()}


def _hash(waiting: dict[Period, list[bytes]], days: dict[Period, list[Summary]]) -> None:
    for day, encoded in waiting.items():
        days[day].append(Summary(len(encoded), columns.content_hash(encoded)))
    waiting.clear()


def _entered(file: LakeFile) -> Summary:
    return Summary(file.records, int(file.content_hash, 16))
