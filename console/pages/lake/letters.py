"""What a consumer could not take is replayed. POST only. [T-1]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, action
from datalake import rights
from datalake.dead_letters import replay
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
