"""A wave from preview to completed. Each button calls one shell; the rules are there. [W-2 … W-11,
N-6, N-7]
"""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from console.access import StaffRequest, live, page, render
from console.message_samples import samples_of
from console.pages.jobs import work_on
from console.wave_forms import NotifyDateForm
from console.wave_progress import counters
from console.words import WAVE_STEPS, steps
from operations.adminkit import unmasking
from operations.models import StatusChange
from waves.actions import RESETTABLE, may_reset
from waves.alarms import lost_approvals
from waves.approval import CHANGEABLE
from waves.choices import WaveState
from waves.digest import require_unchanged
from waves.errors import BadTemplate, ContentChanged
from waves.holds import freed_by
from waves.lifecycle import subject_of
from waves.models import Wave
from waves.schedule import GRACE
from waves.second_count import count
from waves.second_count.verdict import WHAT_TO_DO, is_due, standing

SENDING = (WaveState.TRIGGERED, WaveState.PAUSED)
MOST_MESSAGES = 10**12  # that an address may say


@page("waves.view_wave")
def wave(request: StaffRequest, name: str) -> HttpResponse:
    beside = ("campaign", "score_file", "prepared_by", "edited_by", "approved_by")
    shown = get_object_or_404(
        Wave.objects.select_related(*beside).defer("score_file__rules"), name=name
    )
    prepared = bool(shown.content_digest)
    # some fans may have been notified
    cut_off = shown.state == WaveState.CANCELLED and shown.triggered_at is not None
    return render(
        request,
        "console/waves/wave.html",
        f"Wave {name}",
        wave=shown,
        campaign=shown.campaign,
        steps=steps(WAVE_STEPS, shown.state),
        markets=shown.wave_markets.select_related("market"),
        excluded_total=sum(shown.excluded.values()),
        samples=samples_of(shown, hidden=not unmasking.shown(request)) if prepared else [],
        author=request.user.pk in {shown.prepared_by_id, shown.edited_by_id},
        four_eyes=settings.WAVES_FOUR_EYES,
        due=shown.notify_date <= timezone.now(),
        grace=GRACE,
        can_prepare=shown.state in (WaveState.CONFIGURED, WaveState.FAILED),
        can_reset=shown.state in RESETTABLE and may_reset(shown, request.user),
        notify_date_form=_notify_date_form(shown) if shown.state in CHANGEABLE else None,
        freed=freed_by(shown) if shown.state == WaveState.CANCELLED and prepared else None,
        count_job=count.last_job(shown),
        second_count=standing(shown),
        what_to_do=WHAT_TO_DO,
        returned=shown.members.filter(place=0).count() if prepared else 0,
        approval_lost=lost_approvals([shown]).get(shown.name),
        unusable=_unusable_messages(shown),
        can_cancel=shown.state not in (WaveState.COMPLETED, WaveState.CANCELLED),
        sending=counters(shown, _since(request))
        if shown.state in (*SENDING, WaveState.COMPLETED) or cut_off
        else None,
        history=StatusChange.objects.about(subject_of(shown))
        .select_related("by")
        .order_by("-id")[:30],
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=unmasking.shown(request),
        **work_on(request, subject_of(shown)),
    )


def _notify_date_form(wave: Wave) -> NotifyDateForm:
    return NotifyDateForm(initial={"notify_date": wave.notify_date}, campaign=wave.campaign)


def _unusable_messages(wave: Wave) -> str:
    """Why a prepared wave cannot be approved: a template that cannot be used for it. [K-3]"""
    if wave.state != WaveState.PREPARED:
        return ""
    try:
        require_unchanged(wave)
    except BadTemplate as refusal:
        return str(refusal)
    except ContentChanged:
        pass  # taken over when it is approved, or within a minute
    return ""


@live("waves.view_wave")
def wave_live(request: StaffRequest, name: str) -> HttpResponse:
    """The counters while it is sent; the page is loaded again when the wave's state is no longer
    what the page shows, or the second count that it waits for has a verdict.
    """
    shown = get_object_or_404(Wave.objects.select_related("campaign"), name=name)
    if shown.state == request.GET.get("state") and shown.state not in SENDING:
        counted = "uncounted" in request.GET and not is_due(shown)
        # nothing new while it waits
        return HttpResponse(status=204, headers={"HX-Refresh": "true"} if counted else {})
    response = TemplateResponse(
        request,
        "console/waves/live.html",
        {"wave": shown, "sending": counters(shown, _since(request))},
    )
    if shown.state != request.GET.get("state"):
        response.headers["HX-Refresh"] = "true"
    return response


def _since(request: StaffRequest) -> tuple[float, int] | None:
    """When the page last looked and how many messages were settled then: what the speed is computed
    from.
    """
    try:
        at, settled = float(request.GET["at"]), int(request.GET["settled"])
    except (KeyError, ValueError):
        return None
    return (at, settled) if 0 < time.time() - at < 600 and 0 <= settled < MOST_MESSAGES else None
