"""A wave is planned: the form, the preview beside it, and the button that prepares what was
previewed. [W-5, W-7]
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign
from console.access import StaffRequest, form_page, render
from console.wave_forms import WaveForm
from operations.errors import Refusal
from waves import rights, tasks
from waves.models import Wave
from waves.preparation import judgement

# fields of the form that are shown with a right alone
OFFERED_WITH = {"expedite": "waves.expedite_wave", "reason": "waves.late_wave_rules"}


@form_page(*rights.PREPARE)
def new_wave(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """The form, the preview beside it (nothing is written), and the button that prepares what was
    previewed.
    """
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)
    if request.method != "POST":
        again = (
            Wave.objects.filter(campaign=campaign, name=request.GET.get("again", ""))
            .select_related("campaign")
            .first()
        )
        return _form_page(
            request,
            campaign,
            WaveForm.again(again) if again else WaveForm.start(campaign, timezone.now()),
        )
    form = WaveForm(request.POST, request.FILES, campaign=campaign)
    for name, right in OFFERED_WITH.items():
        if not request.user.has_perm(right):
            del form.fields[name]
    if not form.is_valid():
        return _form_page(request, campaign, form)
    try:
        if "prepare" in request.POST:
            return _prepare(request, form)
        found = judgement.preview(
            form.request_of(),
            now=timezone.now(),
            by=request.user,
            expedite=form.cleaned_data.get("expedite", ""),
            reason=form.cleaned_data.get("reason", ""),
        )
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return _form_page(request, campaign, form)
    return _form_page(request, campaign, form, **_previewed(found))


def _form_page(
    request: StaffRequest, campaign: Campaign, form: WaveForm, **context: Any
) -> HttpResponse:
    """The markets file, once read, is put into the text field, so that preview and preparation use
    the same text.
    """
    if form.is_bound and "markets" in getattr(form, "cleaned_data", {}):
        form.data = request.POST.copy()
        form.data["markets"] = form.cleaned_data["markets"]
    return render(
        request, "console/waves/new.html", "New wave", campaign=campaign, form=form, **context
    )


def _previewed(found: judgement.Preview) -> dict[str, Any]:
    planned, preview = found.planned, found.planned.as_result()
    names = {seat.market_id: seat.name for seat in planned.plan.seats}
    for market in preview["markets"]:
        market["name"] = names.get(market["market_id"], "")
    return {
        "preview": preview,
        "refusal": found.refusal,
        "warning": found.warning,
        "returned": planned.returned,
        "excluded_total": sum(preview["excluded"].values()),
    }


def _prepare(request: StaffRequest, form: WaveForm) -> HttpResponse:
    wanted = form.request_of()
    tasks.start_preparation(
        wanted,
        by=request.user,
        expedite=form.cleaned_data.get("expedite", ""),
        reason=form.cleaned_data.get("reason", ""),
        previewed_digest=form.cleaned_data["members_digest"],
    )
    messages.success(
        request, "The wave is being prepared: fans are selected, codes reserved and files written."
    )
    return HttpResponseRedirect(reverse("wave", args=[wanted.name]))
