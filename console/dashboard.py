"""The first page: what is running, what needs attention, and the button that stops all sending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from console.access import live
from console.campaigns.progress import progress_of
from console.demand import numbers
from demand.models import Batch
from operations import jobs
from operations.choices import JobState
from operations.models import Alert, Job, StatusChange
from operations.services import heartbeats
from waves.alarms import lost_approvals
from waves.choices import WaveState
from waves.models import Wave

SHOWN = 8
LIVE = [JobState.QUEUED, JobState.RUNNING, JobState.PAUSED]
NEEDS_SOMEBODY = [WaveState.HELD, WaveState.FAILED, WaveState.PAUSED, WaveState.PREPARED]


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the theme's index page shows."""
    return context | {"title": "Home"} | parts(request)


def parts(request: HttpRequest) -> dict[str, Any]:
    """Each part only to those who may see it; for others it is None."""
    return {
        "campaigns_progress": _allowed(request, "campaigns.view_campaign", _current_progress),
        "jobs": _allowed(request, "operations.view_job", _live_jobs),
        "services": _allowed(request, "operations.view_job", _services_in_trouble),
        "failed_jobs": _allowed(request, "operations.view_job", _failed_jobs),
        "waves": _allowed(request, "waves.view_wave", _waves_needing_attention),
        "sending": _allowed(request, "waves.view_wave", _waves_going_out),
        "alerts": _allowed(request, "operations.view_alert", _last_alerts),
        "demand": _allowed(request, "demand.view_batch", _demand_of_a_day),
    }


@live()
def now_live(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "console/parts/now_live.html", parts(request))


def _allowed(request: HttpRequest, permission: str, read: Callable[[], Any]) -> Any:
    return read() if request.user.has_perm(permission) else None


def _current_progress() -> list[Any]:
    """Open campaigns first, then drafts, then closed ones until they are archived."""
    current = Campaign.objects.exclude(status=CampaignStatus.ARCHIVED)
    return progress_of(current.order_by("-status", "-id")[:SHOWN])


def _live_jobs() -> QuerySet[Job]:
    return Job.objects.filter(state__in=LIVE).order_by("-id")[:SHOWN]


def _failed_jobs() -> QuerySet[Job]:
    return jobs.standing_failures().order_by("-id")[:3]


def _waves_needing_attention() -> list[tuple[Wave, StatusChange | None]]:
    """Each with how it lost its approval, if it did."""
    waiting = Wave.objects.filter(state__in=NEEDS_SOMEBODY).select_related("campaign")
    waves = list(waiting.order_by("notify_date")[:SHOWN])
    lost = lost_approvals(waves)
    return [(wave, lost.get(wave.name)) for wave in waves]


def _waves_going_out() -> QuerySet[Wave]:
    going = Wave.objects.filter(state__in=[WaveState.SCHEDULED, WaveState.TRIGGERED])
    return going.select_related("campaign").order_by("notify_date")[:SHOWN]


def _last_alerts() -> QuerySet[Alert]:
    return Alert.objects.order_by("-id")[:SHOWN]


def _demand_of_a_day() -> dict[str, Any] | None:
    """The demand archive's ledger of the last 24 hours; nothing where no change event ever came."""
    found = numbers.last_day(now=timezone.now())
    return found if found["batches"] or Batch.objects.exists() else None


def _services_in_trouble() -> list[heartbeats.ServiceState]:
    """Services that do not run, or some of whose processes fell silent. [O-2]"""
    return [each for each in heartbeats.services() if not each.is_well]
