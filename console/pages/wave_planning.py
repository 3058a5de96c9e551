"""A wave is planned: the form, its plan previewed beside others, one of them chosen, and the button
that prepares what was previewed. [W-5, W-7, X-4]
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign
from console.access import StaffRequest, form_page, render
from console.new_wave import kept
from console.new_wave.changes import PlanForm, plan_forms
from console.new_wave.form import WaveForm, form_again, new_form, own_seats
from console.new_wave.side_by_side import Column, excluded_rows, market_rows
from operations.errors import Refusal
from waves import rights, tasks
from waves.errors import BadMarketFile, UnknownMarket
from waves.models import Wave
from waves.preparation import previews
from waves.selection import what_if
from waves.selection.market_files import markets_of_wave
from waves.selection.plan import Plan, market_file_in_bucket
from waves.selection.request import WaveRequest

MANY_FANS = 200_000  # from here on it is worth saying how long a selection takes
FANS_PER_SECOND = 200_000


@form_page(*rights.PREPARE)
def new_wave(request: StaffRequest, campaign_id: str) -> HttpResponse:
    """The form, the preview beside it (nothing is written), other plans beside that, and the button
    that prepares what was previewed.
    """
    campaign = get_object_or_404(Campaign, campaign_id=campaign_id)
    now = timezone.now()
    if request.method != "POST":
        return _shown(request, _first_form(request, campaign, now))
    form = WaveForm(
        request.POST, request.FILES, campaign=campaign, by=request.user, own=own_seats(campaign)
    )
    others = plan_forms(form.own, request.POST)
    invalid = [each for each in (form, *others) if not each.is_valid()]
    if invalid:
        return _shown(request, form, [Column(1), *(Column(each.number, each) for each in others)])
    form, others = _filled(request, form, others, now)
    if form.errors or "prepare" not in form.data:
        return _previewed(request, form, others, now)
    wanted = form.request()
    try:
        tasks.start_preparation(
            wanted,
            by=request.user,
            expedite=form.cleaned_data.get("expedite", ""),
            reason=form.cleaned_data.get("reason", ""),
            previewed_digest=form.cleaned_data["members_digest"],
        )
    except Refusal as refusal:
        return _previewed(request, form, others, now, refused=refusal)
    messages.success(
        request, "The wave is being prepared: fans are selected, codes reserved and files written."
    )
    return HttpResponseRedirect(reverse("wave", args=[wanted.name]))


def _first_form(request: StaffRequest, campaign: Campaign, now: datetime) -> WaveForm:
    """Filled in as a wave that is prepared again was asked for, or as a new one begins."""
    again = (
        Wave.objects.filter(campaign=campaign, name=request.GET.get("again", ""))
        .select_related("campaign")
        .first()
    )
    return form_again(again, request.user) if again else new_form(campaign, request.user, now)


def _filled(
    request: StaffRequest, form: WaveForm, others: list[PlanForm], now: datetime
) -> tuple[WaveForm, list[PlanForm]]:
    """The form after a markets file, or another plan, was taken over into its fields."""
    asked, file = form.request(), form.cleaned_data["markets_file"]
    if file is None and "stored" in request.POST:
        file = market_file_in_bucket(asked.campaign_id, asked.date_key)
    try:
        if file is not None:
            form = form.filled_in(replace(asked, market_file=file))
    except (BadMarketFile, UnknownMarket) as refusal:
        form.add_error("markets_file", str(refusal))
        return form, others
    form.is_valid()
    for other in others:
        if request.POST.get("use") == str(other.number) and other.change():
            try:
                form = form.filled_in(_changed(form, other, now))
            except UnknownMarket as refusal:
                form.refuse(refusal)
                break
            form.is_valid()
            return form, plan_forms(form.own)
    return form, others


def _changed(form: WaveForm, other: PlanForm, now: datetime) -> WaveRequest:
    seats = form.boxes.seats()
    return what_if.changed(form.request(), other.change(), seats, form.own, now=now)


def _previewed(
    request: StaffRequest,
    form: WaveForm,
    others: list[PlanForm],
    now: datetime,
    *,
    refused: Refusal | None = None,
) -> HttpResponse:
    """The form with what its plan and each other plan would do, and what a preparation would refuse
    beside the field that it is about.
    """
    columns = [Column(1), *(Column(each.number, each) for each in others)]
    if not form.is_valid():
        return _shown(request, form, columns)
    asked = form.request()
    stored, refusals = _other_file(form, asked), [refused] if refused else []
    try:
        plan = previews.judged_plan(asked, now=now)
        columns = _compared(form, asked, plan, others, now, anew="anew" in request.POST)
        refusals += previews.warnings_of(
            plan,
            asked,
            now=now,
            by=request.user,
            expedite=form.cleaned_data.get("expedite", ""),
            reason=form.cleaned_data.get("reason", ""),
        )
    except Refusal as refusal:
        refusals.append(refusal)
    for each in {str(each): each for each in refusals}.values():
        form.refuse(each)
    return _shown(request, form, columns, stored=stored)


def _compared(
    form: WaveForm,
    asked: WaveRequest,
    plan: Plan,
    others: list[PlanForm],
    now: datetime,
    *,
    anew: bool,
) -> list[Column]:
    """Plan 1, and each other plan with its result or why it cannot be. Raises PreviewsBusy, and
    what a selection raises.
    """
    plans, refusals = {1: plan}, {}
    for other in others:
        if other.is_bound and other.change():
            try:
                plans[other.number] = previews.judged_plan(_changed(form, other, now), now=now)
            except Refusal as refusal:
                refusals[other.number] = str(refusal)
    found = kept.results_of(list(plans.values()), asked.name, now=now, anew=anew)
    results = dict(zip(plans, found, strict=True))
    return [
        Column(1, None, results[1]),
        *(
            Column(each.number, each, results.get(each.number), refusals.get(each.number, ""))
            for each in others
        ),
    ]


def _other_file(form: WaveForm, asked: WaveRequest) -> bool:
    """Whether another markets file of this wave lies in the bucket, which would be replaced."""
    stored = market_file_in_bucket(asked.campaign_id, asked.date_key)
    try:
        return stored is not None and markets_of_wave(stored, form.own) != form.boxes.seats()
    except (BadMarketFile, UnknownMarket):
        return True


def _shown(
    request: StaffRequest,
    form: WaveForm,
    columns: list[Column] | None = None,
    **context: Any,
) -> HttpResponse:
    columns = columns or []
    found = columns[0].found if columns else None
    scores = form.campaign.active_score_file
    fans = scores.accepted if scores else 0
    return render(
        request,
        "console/waves/new.html",
        "New wave",
        campaign=form.campaign,
        form=form,
        columns=columns,
        found=found,
        compared=any(column.found or column.refusal for column in columns[1:]),
        rows=market_rows(form.own, columns),
        excluded_rows=excluded_rows(columns),
        excluded_total=sum(found.result["excluded"].values()) if found else 0,
        fans=fans,
        seconds=round(fans / FANS_PER_SECOND) if fans >= MANY_FANS else 0,
        **context,
    )
