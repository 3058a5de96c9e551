"""What a person does to the lake: replay what a consumer could not take, and merge past days by
hand. POST only. [T-1, L-3]
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, action
from datalake import replay, rights, tasks
from datalake.models import DeadLetter
from operations.plurals import plural


@action(*rights.REPLAY)
def replay_letter(request: StaffRequest, pk: int) -> HttpResponse:
    """Put one record back where it came from, as it is."""
    letter = get_object_or_404(DeadLetter.objects.defer("record"), pk=pk)
    if replay.replay(letter.pk):
        still = (
            f"If consumer {letter.consumer} still cannot process it, it becomes a new dead letter."
        )
        place = replay.place_of(letter)
        messages.success(request, f"Record {pk} was replayed into {place}. {still}")
    else:
        messages.info(request, f"Record {pk} was already replayed. Nothing was done.")
    return HttpResponseRedirect(reverse("admin:datalake_deadletter_change", args=[pk]))


@action(*rights.REPLAY)
def replay_letters(request: StaffRequest) -> HttpResponse:
    """Put every record that waits back where it came from: after the cause of their errors is
    fixed.
    """
    count = replay.replay_all()
    if count:
        messages.success(
            request,
            f"{plural(count, 'record was', 'records were')} replayed. Records that still cannot"
            " be processed become new dead letters.",
        )
    else:
        messages.info(request, "There are no dead letters to replay.")
    return HttpResponseRedirect(reverse("admin:datalake_deadletter_changelist"))


@action(*rights.MERGE)
def merge_lake(request: StaffRequest) -> HttpResponse:
    """Have a worker merge every past day, or month, that has loose files, instead of waiting for
    the clock.
    """
    monthly = request.POST.get("period") == "monthly"
    tasks.ask_for_merges(monthly=monthly, by=request.user)
    what = "month" if monthly else "day"
    messages.success(
        request,
        (
            f"A worker is merging every past {what} that has more than one file. Each merge"
            " appears here. If a merge is refused, an alert is sent."
        ),
    )
    return HttpResponseRedirect(reverse("admin:datalake_merge_changelist"))
