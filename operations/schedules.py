"""Scheduled runs: declared by the apps, written to the queue's schedules after each `migrate`.
[O-6]

Each app declares its runs as `SCHEDULED_RUNS` in its `tasks.py` and registers them in its
`AppConfig.ready`. A run's row is found by its name, which begins with `OURS`; rows with other names
belong to operators and are never touched. An operator pauses a run by setting its `repeats` to 0:
that, and when it runs next, is left alone as long as the declaration stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule

from operations.database.locks import exclusive

OURS = "fairwave: "
RUNNER = "operations.tasks.run_scheduled"  # where a worker begins, whatever is to be run
MINUTES = {"minute": 1, "5 minutes": 5, "30 minutes": 30}
TYPES = dict.fromkeys(MINUTES, "I") | {"hour": "H", "day": "D", "month": "M"}


@dataclass(frozen=True)
class ScheduledRun:
    """A function that the queue's workers run every so many minutes, each hour, day or month.

    `hour` (UTC) counts for a day and a month, `day` (1 to 28) for a month.
    """

    name: str
    run: Callable[[], object]
    every: Literal["minute", "5 minutes", "30 minutes", "hour", "day", "month"]
    hour: int = 0
    day: int = 1

    @property
    def path(self) -> str:
        """Where the function is found."""
        return f"{self.run.__module__}.{self.run.__qualname__}"

    @property
    def has_no_hour(self) -> bool:
        """It runs at least once an hour."""
        return self.every in MINUTES or self.every == "hour"

    def next_run(self, now: datetime) -> datetime:
        """The first time that is not past; `now` for what runs within an hour."""
        if self.has_no_hour:
            return now
        today = now.astimezone(UTC).replace(hour=self.hour, minute=0, second=0, microsecond=0)
        if self.every == "day":
            return today if today > now else today + timedelta(days=1)
        this_month = today.replace(day=self.day)
        next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=self.day)
        return this_month if this_month > now else next_month

    def is_due_at(self, moment: datetime) -> bool:
        """Whether the declaration could have led to this time."""
        at = moment.astimezone(UTC)
        hour_fits = self.has_no_hour or (at.hour, at.minute) == (self.hour, 0)
        return hour_fits and (self.every != "month" or at.day == self.day)


_RUNS: dict[str, ScheduledRun] = {}


def register(runs: Iterable[ScheduledRun]) -> None:
    """Add an app's runs. Raises ValueError for a name that is registered already."""
    for run in runs:
        if run.name in _RUNS:
            raise ValueError(f"The scheduled run {run.name!r} is registered twice.")
        _RUNS[run.name] = run


def registered() -> list[ScheduledRun]:
    """All runs, by name."""
    return sorted(_RUNS.values(), key=lambda run: run.name)


def run_named(name: str) -> ScheduledRun:
    """Raises KeyError."""
    return _RUNS[name]


def write(runs: Iterable[ScheduledRun], *, now: datetime) -> None:
    """Make our rows what is declared: new ones are added, changed ones updated, those that are no
    longer declared deleted.
    """
    declared = {f"{OURS}{run.name}": run for run in runs}
    with exclusive("scheduled runs"), transaction.atomic():
        rows = {
            row.name: row
            for row in Schedule.objects.select_for_update().filter(name__startswith=OURS)
        }
        for name, run in declared.items():
            row = rows.get(name)
            if row is None:
                Schedule.objects.create(name=name, repeats=-1, **_values(run, now))
            elif not _is_current(row, run):
                Schedule.objects.filter(pk=row.pk).update(**_values(run, now))
        Schedule.objects.filter(name__in=rows.keys() - declared.keys()).delete()


def _values(run: ScheduledRun, now: datetime) -> dict[str, Any]:
    return {
        "func": RUNNER,
        "args": repr((run.name,)),
        "schedule_type": TYPES[run.every],
        "minutes": MINUTES.get(run.every),
        "next_run": run.next_run(now),
    }


def _is_current(row: Schedule, run: ScheduledRun) -> bool:
    wanted = _values(run, row.next_run)
    names = ("func", "args", "schedule_type", "minutes")
    return all(getattr(row, name) == wanted[name] for name in names) and run.is_due_at(row.next_run)


def write_after_migrate(*, apps: Apps = installed_apps, **signal: object) -> None:
    """Receiver of `post_migrate`. Does nothing while the queue's own tables are not there yet."""
    try:
        apps.get_model("django_q", "Schedule")
    except LookupError:
        return
    write(registered(), now=timezone.now())
