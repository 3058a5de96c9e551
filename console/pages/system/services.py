"""Services with their heartbeats, consumers with what they are behind, scheduled runs, and what is
in trouble. [O-2, T-1]
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django_q.models import Schedule

from console.access import StaffRequest, live, page, render
from datalake.dead_letters import found
from datalake.streams import lag
from demand.models import Shard
from operations import jobs, schedules
from operations.choices import JobState
from operations.models import Alert, Job
from operations.services import heartbeats
from operations.services.heartbeats import SILENT_AFTER

RIGHT = "operations.view_job"
LATE_AFTER = timedelta(minutes=3)
BEHIND_AFTER = timedelta(minutes=1)  # "in the lake within a minute"
SHOWN = 8
MOST_WAITING = 1_000


@dataclass(frozen=True)
class Run:
    """A scheduled run; `next_at` is None where it is switched off."""

    name: str
    next_at: datetime | None
    is_late: bool


@page(RIGHT)
def services(request: StaffRequest) -> HttpResponse:
    return render(request, "console/system/services.html", "Services", **parts(request))


@live(RIGHT)
def services_live(request: StaffRequest) -> HttpResponse:
    return TemplateResponse(request, "console/system/services_live.html", parts(request))


def parts(request: HttpRequest) -> dict[str, Any]:
    """All that the page shows; each table is read once, and none to its end."""
    processes, known = list(heartbeats.with_age()), heartbeats.services()
    return {
        "services": known,
        "troubled": [each for each in known if not each.is_well],
        "processes": processes,
        "silent_after": SILENT_AFTER,
        "lags": lag.lags() if request.user.has_perm("datalake.view_checkpoint") else None,
        "behind_after": BEHIND_AFTER,
        "letters": (
            found.waiting_of_each() if request.user.has_perm("datalake.view_deadletter") else None
        ),
        "most_letters": found.MOST_COUNTED,
        "shards": (
            list(Shard.objects.filter(ended=False).order_by("stream", "shard_id")[:SHOWN])
            if request.user.has_perm("demand.view_batch")
            else []
        ),
        "runs": _runs(),
        "waiting": _waiting(),
        "most_waiting": MOST_WAITING,
        "failed": jobs.standing_failures().order_by("-id")[:SHOWN],
        "alerts": (
            Alert.objects.order_by("-id")[:SHOWN]
            if request.user.has_perm("operations.view_alert")
            else None
        ),
    }


def _runs() -> list[Run]:
    """What is declared, with the times of its rows; one whose time has passed is late."""
    rows = {
        row.name: row
        for row in Schedule.objects.filter(name__startswith=schedules.OURS).defer("kwargs")
    }
    late_before = timezone.now() - LATE_AFTER
    found_runs = []
    for each in schedules.registered():
        row = rows.get(f"{schedules.OURS}{each.name}")
        next_at = row.next_run if row is not None and row.repeats else None
        is_late = next_at is not None and next_at < late_before
        found_runs.append(Run(each.name.replace("_", " "), next_at, is_late))
    return found_runs


def _waiting() -> dict[str, Any]:
    """Jobs that wait for a worker: how many, at most one more than MOST_WAITING, and since when."""
    queued = Job.objects.filter(state=JobState.QUEUED).order_by("created_at")
    times = list(queued.values_list("created_at", flat=True)[: MOST_WAITING + 1])
    return {"count": len(times), "since": times[0] if times else None}
