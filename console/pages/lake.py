"""What a person does to the lake: replay what a consumer could not take, and merge past days by
hand. POST only. [T-1, L-3]
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, action
from datalake import tasks
from datalake.models import DeadLetter
from datalake.streams import deadletters


@action("datalake.change_deadletter", "datalake.view_deadletter")
def replay_letter(request: StaffRequest, pk: int) -> HttpResponse:
    """Put one record on its stream again, as it is."""
    letter = get_object_or_404(DeadLetter.objects.defer("record"), pk=pk)
    if deadletters.replay(letter.pk):
        still = f"If {letter.consumer} still cannot take it, it comes back as a new dead letter."
        messages.success(request, f"Record {pk} is on its stream again. {still}")
    else:
        messages.info(request, f"Record {pk} was replayed already; nothing was done.")
    return HttpResponseRedirect(reverse("admin:datalake_deadletter_change", args=[pk]))


@action("datalake.change_deadletter", "datalake.view_deadletter")
def replay_letters(request: StaffRequest) -> HttpResponse:
    """Put every record that waits on its stream again: after whatever kept a consumer from taking
    them is mended.
    """
    count = deadletters.replay_all()
    if count:
        messages.success(
            request,
            f"{count:,} records are on their streams again. What still cannot be taken comes back"
            " here.",
        )
    else:
        messages.info(request, "No record waits to be replayed.")
    return HttpResponseRedirect(reverse("admin:datalake_deadletter_changelist"))


@action("datalake.add_merge", "datalake.view_merge")
def merge_lake(request: StaffRequest) -> HttpResponse:
    """Have a worker merge every past day, or month, that has loose files, instead of waiting for
    the clock.
    """
    monthly = request.POST.get("period") == "monthly"
    tasks.ask_for_merges(monthly=monthly)
    what = "month" if monthly else "day"
    messages.success(
        request,
        f"A worker merges every past {what} that has loose files. Each merge appears here; a"
        " refusal is an alert.",
    )
    return HttpResponseRedirect(reverse("admin:datalake_merge_changelist"))
