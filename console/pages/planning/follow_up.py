"""The waves that follow the others: a top-up, and the one that tells the fans who are left. Each is
previewed, then prepared as it was previewed. [X-7, X-8, W-7]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign
from console.access import StaffRequest, form_page, render
from console.new_wave import kept
from console.new_wave.follow_up import FollowUpForm
from console.wave_forms import usual_notify_date
from operations.errors import Refusal
from waves import rights, tasks
from waves.models import Wave
from waves.preparation import not_selected, previews, top_up
from waves.selection.request import WaveRequest


@dataclass(frozen=True)
class FollowUp:
    """One of the two: its title, what it does in words, and how it is asked for."""

    title: str
    text: str
    request_of: Callable[[str, str, datetime | None], WaveRequest]
    with_rules: bool


TOP_UP = FollowUp(
    "Top up",
    "Free seats go to the next fans on the waiting list, by the rules of the wave that was selected"
    " last: its markets, order and minimum score.",
    top_up.request_of,
    with_rules=True,
)
NOT_SELECTED = FollowUp(
    "Notify fans not selected",
    "All fans who are still on the waiting list are told that they were not selected. They get no"
    " code and no seat. Top-ups end with this wave.",
    not_selected.request_of,
    with_rules=False,
)


@form_page(*rights.PREPARE)
def top_up_wave(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """A wave that fills what room is left. [X-7]"""
    return _page(request, campaign_id, TOP_UP)


@form_page(*rights.PREPARE)
def not_selected_wave(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """A wave for the fans who are left. [X-8]"""
    return _page(request, campaign_id, NOT_SELECTED)


def _page(request: StaffRequest, campaign_id: str, kind: FollowUp) -> HttpResponse:
    campaign, now = get_object_or_404(Campaign, campaign_id=campaign_id), timezone.now()
    form_of = partial(FollowUpForm, campaign=campaign, by=request.user, with_rules=kind.with_rules)
    if request.method != "POST":
        form = form_of(initial=_initial(request, campaign, now))
        return _shown(request, kind, form)
    form = form_of(request.POST)
    if not form.is_valid():
        return _shown(request, kind, form)
    cleaned = form.cleaned_data
    reasons = {name: cleaned.get(name, "") for name in ("expedite", "reason")}
    try:
        asked = kind.request_of(campaign_id, cleaned["date_key"], cleaned["notify_date"])
        if "prepare" in request.POST:
            digest = cleaned["members_digest"]
            tasks.start_preparation(asked, by=request.user, previewed_digest=digest, **reasons)
            messages.success(request, "The wave is being prepared: fans are selected.")
            return HttpResponseRedirect(reverse("wave", args=[asked.name]))
        with kept.one_of_few():
            found = previews.preview(asked, now=now, by=request.user, **reasons)
    except Refusal as refusal:
        form.add_error(None, str(refusal))
        return _shown(request, kind, form)
    return _shown(request, kind, form, found)


def _initial(request: StaffRequest, campaign: Campaign, now: datetime) -> dict[str, object]:
    """Of a wave that is prepared again, else the soonest usual time."""
    again = Wave.objects.filter(campaign=campaign, name=request.GET.get("again", "")).first()
    if again is not None:
        return {"notify_date": again.notify_date, "date_key": again.date_key}
    return {"notify_date": usual_notify_date(campaign, now)}


def _shown(
    request: StaffRequest,
    kind: FollowUp,
    form: FollowUpForm,
    found: previews.Preview | None = None,
) -> HttpResponse:
    context = {"campaign": form.campaign, "form": form, "kind": kind, "found": found}
    if found is not None:
        plan, preview = found.planned.plan, found.planned.as_result()
        names = {seat.market_id: seat.name for seat in plan.seats}
        context |= {
            "preview": preview,
            "names": names,
            "markets": [
                market | {"name": names[market["market_id"]]} for market in preview["markets"]
            ],
            "base": plan.tops_up,
            "ends": not_selected.what_ends(plan),
            "excluded_total": sum(preview["excluded"].values()),
        }
    return render(request, "console/waves/follow_up.html", kind.title, **context)
