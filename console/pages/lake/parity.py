"""Database against lake, by type and day; compared now, by a worker. [L-9, X-9]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from console.access import StaffRequest, action, page, render
from console.lake import calendar, parity
from console.pages.jobs import work_on
from datalake import layout, rights, tasks
from datalake.choices import RecordType
from datalake.parity import runs


@page("datalake.view_parityresult")
def results(request: StaffRequest) -> HttpResponse:
    """`month` (2026-01) names what is shown; what differs is shown of all months."""
    today = layout.day_of(timezone.now())
    asked = calendar.month_of(request.GET.get("month", ""))
    month = asked or parity.newest_month(today)
    before, after = calendar.beside(month)
    return render(
        request,
        "console/lake/parity.html",
        "Parity",
        differing=parity.differing(),
        most_differing=parity.MOST_DIFFERING,
        checked_at=parity.last_checked(),
        types=RecordType.values,
        rows=parity.month_rows(month),
        month=month,
        first=month.last_day.replace(day=1),
        before=before,
        after=after,
        **work_on(request, runs.LAKE),
    )


@action(*rights.PARITY)
def check(request: StaffRequest) -> HttpResponse:
    """Have a worker compare all of the lake now."""
    tasks.ask_for_parity(read_files="files" in request.POST, by=request.user)
    messages.success(request, "A worker is comparing database and lake. The results appear here.")
    return HttpResponseRedirect(reverse("parity"))
