"""Rehearsals of a wave on its page: started, stopped, results, and what was recorded. [X-6]"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from console import slow_counts
from console.access import StaffRequest, action, attempt, live
from console.message_samples import recorded_samples
from operations.adminkit import unmasking
from operations.entry.alternatives import holds
from waves import rights, tasks
from waves.choices import RehearsalState, SendState
from waves.models import Rehearsal, RehearsalSend, Wave
from waves.rehearsal import rehearse

SHOWN = 5


def rehearsal_context(request: StaffRequest, wave: Wave) -> dict[str, Any]:
    """What `console/waves/_rehearsal.html` shows."""
    shown = list(Rehearsal.objects.filter(wave=wave).select_related("by").order_by("-id")[:SHOWN])
    running = next((each for each in shown if each.state == RehearsalState.RUNNING), None)
    return {
        "rehearsals": shown,
        "rehearsal_running": running,
        "recorded": recorded_samples(wave, shown[0].pk, hidden=not unmasking.shown(request))
        if shown and not running
        else [],
        "may_rehearse": wave.state in rehearse.STATES and holds(request.user, rights.PREFLIGHT),
        "may_stop_rehearsal": holds(request.user, rights.PREFLIGHT),
    }


def _progress(running: Rehearsal) -> dict[str, int]:
    """Counted for all who look; the page itself does not wait for it."""
    rows = RehearsalSend.objects.filter(rehearsal=running)
    waits = Q(state__in=[SendState.PENDING, SendState.SENDING])

    def count() -> dict[str, int]:
        counts = rows.aggregate(all=Count("pk"), waiting=Count("pk", filter=waits))
        return {"all": counts["all"], "done": counts["all"] - counts["waiting"]}

    return slow_counts.kept(f"rehearsal:{running.pk}", count)


@action(*rights.PREFLIGHT)
def start_rehearsal(request: StaffRequest, name: str) -> HttpResponse:
    """Have a worker send the whole wave to the recording provider."""
    wave = get_object_or_404(Wave.objects.select_related("campaign"), name=name)
    return attempt(
        request,
        lambda: tasks.start_rehearsal(wave, by=request.user),
        "The rehearsal is running. No fan gets a message.",
        back=f"{reverse('wave', args=[name])}#rehearsal",
    )


@action(*rights.PREFLIGHT)
def stop_rehearsal(request: StaffRequest, name: str) -> HttpResponse:
    """No message of the running rehearsal starts after a moment."""
    wave = get_object_or_404(Wave, name=name)

    def work() -> str:
        running = Rehearsal.objects.filter(wave=wave, state=RehearsalState.RUNNING).first()
        if running is None or not rehearse.stop(running, by=request.user):
            return "No rehearsal was running."
        return "The rehearsal is stopped."

    return attempt(request, work, back=f"{reverse('wave', args=[name])}#rehearsal")


@live("waves.view_wave")
def rehearsal_live(request: StaffRequest, name: str) -> HttpResponse:
    """How far the rehearsal is; the page is loaded again when it is over."""
    wave = get_object_or_404(Wave, name=name)
    running = Rehearsal.objects.filter(wave=wave, state=RehearsalState.RUNNING).first()
    if running is None:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return TemplateResponse(
        request,
        "console/waves/_rehearsal_progress.html",
        {"rehearsal_progress": _progress(running)},
    )
