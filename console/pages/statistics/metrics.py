"""The success metrics beside their targets. [O-8]"""

from __future__ import annotations

from django.http import HttpResponse

from console.access import StaffRequest, page, render
from stats import rights
from stats.metrics import watch
from stats.metrics.goals import WINDOW


@page(*rights.SEE_METRICS)
def success_metrics(request: StaffRequest) -> HttpResponse:
    """By group: value, target, and since when it is missed."""
    groups = watch.standings()
    return render(
        request,
        "console/statistics/metrics.html",
        "Success metrics",
        groups=groups,
        missed=sum(not each.is_met for _, standings in groups for each in standings),
        measured_at=max(
            (each.metric.measured_at for _, all_ in groups for each in all_ if each.metric),
            default=None,
        ),
        days=WINDOW.days,
    )
