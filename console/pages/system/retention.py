"""What is kept for how long, and what of it was deleted. [O-10]"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q, Sum
from django.http import HttpResponse
from django.utils import timezone

from console.access import StaffRequest, page, render
from operations import instants
from operations.models import Job, Pruned
from operations.retention import kinds, prune

SHOWN_DAYS = 30


@page("operations.view_pruned")
def retention(request: StaffRequest) -> HttpResponse:
    """Each kind of rows with its days, what was deleted in all, and by day."""
    since = instants.utc_day(timezone.now()) - timedelta(days=SHOWN_DAYS)
    recent = Sum("deleted", filter=Q(day__gt=since), default=0)
    sums = {
        name: (newly, total)
        for name, newly, total in Pruned.objects.values_list("rows").annotate(
            newly=recent, total=Sum("deleted", default=0)
        )
    }
    last = None
    if request.user.has_perm("operations.view_job"):
        last = Job.objects.filter(kind=prune.JOB_KIND).order_by("-id").first()
    return render(
        request,
        "console/system/retention.html",
        "Retention",
        kinds=[
            (kind.rows, getattr(settings, kind.setting), kind.setting, *sums.get(kind.rows, (0, 0)))
            for kind in kinds.registered()
        ],
        days=Pruned.objects.filter(day__gt=since).order_by("-day", "rows"),
        shown_days=SHOWN_DAYS,
        last=last,
    )
