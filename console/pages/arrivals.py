"""A score file on its way in: straight from the browser into the bucket, and until it is taken in.
[S-1]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from campaigns import rights, tasks
from campaigns.intake import arrivals, browser_uploads
from campaigns.models import Arrival, Campaign
from console.access import StaffRequest, action, attempt, page, reason_of, render
from console.pages.jobs import work_on
from operations.errors import Refusal

REPEATED = "This file was already uploaded. This is its score file."


@action(*rights.PROCESS_SCORES)
def permit_upload(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """For the page's script: `{url, fields, token, most_bytes}` of a form that puts one file into
    the bucket.
    """
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)

    def permit() -> dict[str, Any]:
        given = browser_uploads.permit(
            campaign, request.POST.get("name", ""), by=request.user, reason=reason_of(request)
        )
        values = {"url": given.form.url, "fields": given.form.fields, "token": given.token}
        return values | {"most_bytes": settings.UPLOAD_MAX_BYTES}

    return _answer(permit)


@action(*rights.PROCESS_SCORES)
def uploaded(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """For the page's script: the file is in the bucket; `{page}` shows how it is taken in."""
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)
    token = request.POST.get("token", "")
    activate, then = request.POST.get("activate") == "on", request.POST.get("then")

    def start() -> dict[str, Any]:
        arrival = tasks.start_upload(
            token,
            campaign,
            by=request.user,
            activate=activate,
            dry_run_first=then == "try",
            reason=reason_of(request),
        )
        return {"page": reverse("arrival", args=[arrival.pk])}

    return _answer(start)


def _answer(work: Callable[[], dict[str, Any]]) -> JsonResponse:
    try:
        return JsonResponse(work())
    except Refusal as refusal:
        return JsonResponse({"error": str(refusal)}, status=409)


@page("campaigns.view_scorefile")
def arrival(request: StaffRequest, pk: int) -> HttpResponse:
    """How an arrival is taken in; then the score file that it became."""
    arrivals_of = Arrival.objects.select_related("campaign", "score_file")
    shown = get_object_or_404(arrivals_of.defer("score_file__rules"), pk=pk)
    if shown.score_file:
        if shown.score_file.created_at < shown.created_at:
            messages.info(request, REPEATED)
        return HttpResponseRedirect(reverse("score-file", args=[shown.score_file.pk]))
    work = work_on(request, arrivals.subject_of(shown))
    return render(
        request,
        "console/score_files/arrival.html",
        shown.name or shown.key,
        arrival=shown,
        waits=arrivals.waits_for_a_person(shown, work["job"]),
        **work,
    )


@action(*rights.TAKE_LATE_SCORES)
def take_late(request: StaffRequest, pk: int) -> HttpResponse:
    """Have a late file taken in that came without a person. [S-8]"""
    waiting = get_object_or_404(Arrival.objects.select_related("campaign"), pk=pk)
    return attempt(
        request,
        lambda: tasks.start_late_arrival(waiting, by=request.user, reason=reason_of(request)),
        "The file is being taken in. It can be made active by hand.",
        back=reverse("arrival", args=[pk]),
    )
