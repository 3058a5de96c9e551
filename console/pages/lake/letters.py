"""What consumers could not take: looked at, replayed, settled without that. [T-1, O-5, O-7]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, action, complaint_of, page, render
from console.forms import ReasonForm
from console.lake import letters as shown_letters
from console.lake.keyset import SIZE
from datalake import rights, tasks
from datalake.dead_letters import found, replay, runs, settle
from datalake.dead_letters.found import PLACES, STATES
from datalake.models import DeadLetter
from operations.adminkit import unmasking
from operations.errors import Refusal
from operations.models import Job, StatusChange

NEWEST = 20


@page("datalake.view_deadletter")
def letters(request: StaffRequest) -> HttpResponse:
    """Those that wait, or what the filters of the address name, page by page."""
    asked = shown_letters.asked_for(request.GET.dict())
    live = Job.objects.about(runs.ALL).filter(state__in=("queued", "running")).order_by("-id")
    return render(
        request,
        "console/lake/dead_letters.html",
        "Dead letters",
        asked=asked,
        like=DeadLetter.objects.filter(pk=asked.like).defer("record").first(),
        cl=shown_letters.page_of(asked, request.GET),
        states=[*STATES, shown_letters.ALL],
        places=PLACES,
        consumers=sorted({*found.consumers(), *([asked.consumer] if asked.consumer else [])}),
        reasons=found.reasons(),
        most_reasons=found.MOST_REASONS,
        most_counted=found.MOST_COUNTED,
        window=found.WINDOW,
        jobs=live[:NEWEST] if request.user.has_perm("operations.view_job") else [],
    )


@page("datalake.view_deadletter")
def letter(request: StaffRequest, pk: int) -> HttpResponse:
    """One, its record hidden until somebody asks to see personal data, and who settled it."""
    shown = get_object_or_404(DeadLetter, pk=pk)
    subjects = [settle.subject_of(pk)]
    job = Job.objects.filter(pk=shown.settled_by_job).first() if shown.settled_by_job else None
    if job:
        subjects.append(runs.subject_of(job))
    history = [
        change
        for subject in subjects
        for change in StatusChange.objects.about(subject)
        .select_related("by")
        .order_by("-id")[:NEWEST]
    ]
    return render(
        request,
        "console/lake/dead_letter.html",
        f"Dead letter {pk}",
        letter=shown,
        record=shown_letters.record_of(shown, shown=unmasking.shown(request)),
        place=replay.place_of(shown),
        job=job,
        history=history,
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=unmasking.shown(request),
    )


@action(*rights.REPLAY)
def replay_letter(request: StaffRequest, pk: int) -> HttpResponse:
    """Put one record back where it came from, as it is."""
    one = get_object_or_404(DeadLetter.objects.defer("record"), pk=pk)
    back, form = reverse("dead-letter", args=[pk]), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"{complaint_of(form)} Nothing was replayed.")
        return HttpResponseRedirect(back)
    try:
        done = settle.replay_one(pk, by=request.user, reason=form.cleaned_data["reason"])
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(back)
    except OSError as away:
        messages.error(
            request,
            f"The lake's bucket cannot be reached: {away} Record {pk} was not replayed and waits."
            " Replay it again when it is back.",
        )
        return HttpResponseRedirect(back)
    if done:
        still = f"If consumer {one.consumer} still cannot process it, it becomes a new dead letter."
        messages.success(request, f"Record {pk} was replayed into {replay.place_of(one)}. {still}")
    else:
        messages.info(request, f"Record {pk} was already replayed or settled. Nothing was done.")
    return HttpResponseRedirect(back)


@action(*rights.REPLAY)
def settle_letter(request: StaffRequest, pk: int) -> HttpResponse:
    """Settle one without a replay."""
    get_object_or_404(DeadLetter.objects.defer("record"), pk=pk)
    back, form = reverse("dead-letter", args=[pk]), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"{complaint_of(form)} Nothing was settled.")
    elif settle.settle_one(pk, by=request.user, reason=form.cleaned_data["reason"]):
        messages.success(request, f"Record {pk} is settled. It takes no effect.")
    else:
        messages.info(request, f"Record {pk} was already replayed or settled. Nothing was done.")
    return HttpResponseRedirect(back)


@action(*rights.REPLAY)
def replay_letters(request: StaffRequest) -> HttpResponse:
    """Have a worker put records back where they came from: after the cause of their errors is
    fixed.
    """
    return _of_many(request, runs.REPLAY)


@action(*rights.REPLAY)
def settle_letters(request: StaffRequest) -> HttpResponse:
    """Have a worker settle records without a replay."""
    return _of_many(request, runs.SETTLE)


def _of_many(request: StaffRequest, kind: str) -> HttpResponse:
    """The letters that are ticked, or with `matching` all that the filters name; the job's page
    shows how far it is.
    """
    form, back = ReasonForm(request.POST), reverse("dead-letters")
    if not form.is_valid():
        messages.error(request, f"{complaint_of(form)} Nothing was done.")
        return HttpResponseRedirect(back)
    ticked = [int(pk) for pk in request.POST.getlist("letter")[:SIZE] if _is_number(pk)]
    asked = shown_letters.asked_for(request.POST.dict())
    if not ticked and "matching" not in request.POST:
        messages.error(request, "Tick at least one dead letter. Nothing was done.")
        return HttpResponseRedirect(back)
    what = asked if "matching" in request.POST else ticked
    job = tasks.ask_to_settle(kind, what, by=request.user, reason=form.cleaned_data["reason"])
    return HttpResponseRedirect(reverse("job", args=[job.pk]))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= shown_letters.LONGEST_NUMBER
