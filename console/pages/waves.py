"""A wave from preview to completed. Each button calls one shell; the rules are there. [W-2 … W-11,
N-6, N-7]
"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from console.access import StaffRequest, live, page, render
from console.pages.before_approval.preflights import preflight_context
from console.pages.before_approval.rehearsals import rehearsal_context
from console.pages.jobs import work_on
from console.wave_page.context import SENDING, context_of
from console.wave_progress import counters
from waves.lifecycle import subject_of
from waves.models import Wave
from waves.preflight.jobs import JOB_KIND as PREFLIGHT
from waves.second_count.verdict import is_due


@page("waves.view_wave")
def wave(request: StaffRequest, name: str) -> HttpResponse:
    beside = ("campaign", "score_file", "prepared_by", "edited_by", "approved_by")
    shown = get_object_or_404(
        Wave.objects.select_related(*beside).defer("score_file__rules"), name=name
    )
    return render(
        request,
        "console/waves/wave.html",
        f"Wave {name}",
        **context_of(request, shown),
        **preflight_context(request, shown),
        **rehearsal_context(request, shown),
        **work_on(request, subject_of(shown), apart=PREFLIGHT if shown.content_digest else ""),
    )


@live("waves.view_wave")
def wave_live(request: StaffRequest, name: str) -> HttpResponse:
    """The counters while it is sent; the page is loaded again when the wave's state is no longer
    what the page shows, or the second count that it waits for has a verdict.
    """
    shown = get_object_or_404(Wave.objects.select_related("campaign"), name=name)
    waits = shown.state not in SENDING and "count" not in request.GET
    if shown.state == request.GET.get("state") and waits:
        counted = "uncounted" in request.GET and not is_due(shown)
        # nothing new while it waits
        return HttpResponse(status=204, headers={"HX-Refresh": "true"} if counted else {})
    response = TemplateResponse(
        request,
        "console/waves/live.html",
        {"wave": shown, "sending": counters(shown)},
    )
    if shown.state != request.GET.get("state"):
        response.headers["HX-Refresh"] = "true"
    return response
