"""What was not archived: an error file with its events, replayed as they are or repaired by hand.
[BR-014, BR-017]
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, action, form_page, page, render
from console.demand import error_files
from console.demand.error_files import EVENTS, FailedEvent
from console.forms import MOST_REPAIRED, ReasonForm, RepairForm
from demand.choices import ErrorType
from demand.models import Batch, ErrorFile
from demand.sources import replay
from operations.adminkit import unmasking
from operations.errors import Refusal
from operations.models import StatusChange

NEWEST = 20
# only a repair brings back what was kept of these
UNPARSABLE = (ErrorType.NOT_UTF8, ErrorType.NOT_JSON)


@page("demand.view_errorfile")
def error_file(request: StaffRequest, pk: int) -> HttpResponse:
    """The events of an error file, EVENTS at a time; hidden as a whole until a user asks to see
    personal data.
    """
    shown = get_object_or_404(ErrorFile.objects.select_related("batch"), pk=pk)
    document = error_files.read(shown)
    first = _number(request.GET.get("from", ""))
    tries = (
        Batch.objects.filter(source=replay.source_of(shown))
        .prefetch_related("error_files")
        .order_by("-pk")[:NEWEST]
    )
    return render(
        request,
        "console/demand/error_file.html",
        f"Error file {pk}",
        file=shown,
        why=document.why,
        whole=shown.error_type not in UNPARSABLE,
        events=document.events[first : first + EVENTS],
        first=first,
        newer=max(0, first - EVENTS) if first else None,
        older=first + EVENTS if first + EVENTS < len(document.events) else None,
        tries=tries,
        history=StatusChange.objects.about(replay.subject_of(shown))
        .select_related("by")
        .order_by("-id")[:NEWEST],
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=unmasking.shown(request),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0


@action("demand.change_errorfile", "demand.view_errorfile")
def replay_all(request: StaffRequest, pk: int) -> HttpResponse:
    """Put every event of the file through the archive again, as it is."""
    replayed = get_object_or_404(ErrorFile, pk=pk)
    back, form = reverse("demand-error-file", args=[pk]), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Enter a reason of at least five characters. Nothing was replayed.")
        return HttpResponseRedirect(back)
    _replay(request, replayed, None, form.cleaned_data["reason"])
    return HttpResponseRedirect(back)


@form_page("demand.change_errorfile", "demand.view_errorfile")
def repair(request: StaffRequest, pk: int) -> HttpResponse:
    """Events to be repaired by hand, one a line, then replayed. They stand there already if
    personal data is shown: one of them (`only`), or those of one page (`from`).
    """
    repaired = get_object_or_404(ErrorFile, pk=pk)
    personal = unmasking.shown(request)
    if request.method == "POST":
        form = RepairForm(request.POST)
        if form.is_valid() and _replay(
            request, repaired, form.cleaned_data["events"], form.cleaned_data["reason"]
        ):
            return HttpResponseRedirect(reverse("demand-error-file", args=[pk]))
        chosen, left_out = [], 0
    else:
        chosen = _chosen(request, repaired) if personal else []
        left_out = sum(not event.line for event in chosen)
        form = RepairForm(
            initial={"events": "\n".join(event.line for event in chosen if event.line)}
        )
    return render(
        request,
        "console/demand/repair.html",
        f"Repair events of error file {pk}",
        file=repaired,
        form=form,
        chosen=chosen,
        left_out=left_out,
        most=MOST_REPAIRED,
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=personal,
    )


def _chosen(request: StaffRequest, file: ErrorFile) -> list[FailedEvent]:
    events = error_files.read(file).events
    if "only" in request.GET:
        number = _number(request.GET["only"])
        return events[number : number + 1]
    first = _number(request.GET.get("from", ""))
    return events[first : first + EVENTS]


def _replay(request: StaffRequest, file: ErrorFile, events: list[str] | None, reason: str) -> bool:
    """Replay and show the results, or why not; False if nothing was archived, and what was
    typed should stay.
    """
    try:
        batch = replay.replay(file, events=events, by=request.user, reason=reason)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    except OSError:
        messages.error(
            request,
            ("The bucket could not be reached. The replay is saved. Request it again to continue."),
        )
    else:
        still = (
            " Events that still cannot be archived are in a new error file." if batch.errors else ""
        )
        messages.success(
            request,
            f"Replayed: {batch.events:,} in = {batch.archived:,} archived + {batch.errors:,}"
            f" errors.{still}",
        )
        return True
    return False
