"""Merge and archive by hand: a day, a month, a prefix, or all past periods. [L-3, L-5]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse

from console.access import StaffRequest, action
from datalake import layout, rights, tasks
from datalake.merging import by_hand
from operations.errors import Refusal
from operations.plurals import plural


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
    return HttpResponseRedirect(reverse("lake"))


@action(*rights.MERGE)
def merge_period(request: StaffRequest) -> HttpResponse:
    """Merge what is under a prefix, such as `avro/scoring/2026/01/20`, with its progress on the
    period's page.
    """
    try:
        record_type, period = layout.parse_prefix(request.POST.get("prefix", "").strip())
        tasks.ask_for_merge(record_type, period, by=request.user)
    except Refusal as refusal:
        return _refused(request, refusal)
    messages.success(request, f"A worker is merging {record_type} {period}.")
    name = by_hand.subject_of(record_type, period).id
    return HttpResponseRedirect(reverse("lake-period", args=[name]))


@action(*rights.MERGE)
def archive_period(request: StaffRequest) -> HttpResponse:
    """Archive the originals of the merges under a prefix, with the progress of the first on its
    job's page.
    """
    try:
        record_type, period = layout.parse_prefix(request.POST.get("prefix", "").strip())
        opened = tasks.ask_for_archives(record_type, period, by=request.user)
    except Refusal as refusal:
        return _refused(request, refusal)
    messages.success(
        request,
        f"A worker is archiving the original files of {plural(len(opened), 'merge')} of"
        f" {record_type} {period}.",
    )
    return HttpResponseRedirect(reverse("job", args=[opened[0].pk]))


def _refused(request: StaffRequest, refusal: Refusal) -> HttpResponse:
    messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("lake"))
