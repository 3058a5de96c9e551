"""The lake by month: a calendar of each type, merges and their schedule; and one day or month with
its files. [L-2, L-3, L-4, L-7]
"""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils import timezone

from console.access import StaffRequest, page, render
from console.lake import calendar, files, schedule
from console.lake.days import MEANINGS, counted, state_of
from console.pages.jobs import work_on
from datalake import layout, rights
from datalake.errors import BadPeriod
from datalake.layout import Period
from datalake.merging import by_hand, merge
from datalake.models import LakePartition, Merge, ParityResult
from operations import instants

SHOWN_MERGES = 12


@page(*rights.SEE_LAKE)
def lake(request: StaffRequest) -> HttpResponse:
    """`type` and `month` (2026-01) narrow it; else all types, in the month of the newest
    records.
    """
    known = calendar.types()
    chosen = request.GET.get("type", "")
    shown = [chosen] if chosen in known else known
    today = instants.utc_day(timezone.now())
    month = calendar.month_of(request.GET.get("month", "")) or calendar.newest_month(
        shown, today=today
    )
    before, after = calendar.beside(month)
    return render(
        request,
        "console/lake/calendar.html",
        "Lake",
        months=[each for each in calendar.months(shown, month) if _is_shown(each, chosen)],
        month=month,
        first=month.last_day.replace(day=1),
        before=before,
        after=after,
        types=known,
        chosen=chosen if chosen in known else "",
        today=today,
        meanings=MEANINGS,
        runs=schedule.runs() if request.user.has_perm("operations.view_job") else None,
        merges=_merges(shown, month),
    )


def _is_shown(month: calendar.Month, chosen: str) -> bool:
    """A type that is not a campaign's, and has nothing in the month, is left out."""
    is_asked_for = month.record_type == chosen
    return is_asked_for or month.record_type in merge.enabled_types() or bool(month.records)


def _merges(record_types: list[str], month: Period) -> list[Merge]:
    periods = [str(month), *map(str, layout.days_of(month))]
    found = Merge.objects.filter(record_type__in=record_types, period__in=periods)
    return list(found.order_by("-id")[:SHOWN_MERGES])


@page(*rights.SEE_LAKE)
def period(request: StaffRequest, name: str) -> HttpResponse:
    """`scoring/2026-01-20`, or `scoring/2026-01` for a month's own files."""
    try:
        record_type, asked = by_hand.named(name)
    except BadPeriod as error:
        raise Http404(str(error)) from error
    if record_type not in calendar.types():
        raise Http404(f"{record_type!r} is not a record type.")
    month_file = files.month_file(record_type, asked)
    found = calendar.look_at([record_type], [str(asked)])[record_type, str(asked)]
    partition = LakePartition.objects.filter(record_type=record_type, day=asked.last_day).first()
    of_day = None if asked.is_month else partition
    state = state_of(
        calendar.within_month(found, is_merged=month_file is not None, is_merging=False),
        records=of_day.records if of_day else 0,
        is_mergeable=record_type in merge.enabled_types(),
    )
    return render(
        request,
        "console/lake/period.html",
        f"{record_type} {asked}",
        record_type=record_type,
        period=asked,
        name=f"{record_type}/{asked}",
        month=asked.month_period,
        state=state,
        loose=counted(found.loose) if found.loose else "",
        error=found.error,
        meaning=MEANINGS.get(state, ""),
        partition=of_day,
        parity=_parity(request, record_type, asked),
        month_file=month_file,
        folder=layout.folder(record_type, asked),
        cl=files.files_of(record_type, asked, request.GET),
        shown=files.shown_of(request.GET),
        choices=[(key, words) for key, (words, _) in files.SHOWN.items()],
        merges=Merge.objects.filter(record_type=record_type, period=str(asked)).order_by("-id")[
            :SHOWN_MERGES
        ],
        can_merge=record_type in merge.enabled_types(),
        waiting=len(by_hand.waiting_merges(record_type, asked)),
        **work_on(request, by_hand.subject_of(record_type, asked)),
    )


def _parity(request: StaffRequest, record_type: str, asked: Period) -> ParityResult | None:
    """How the period compared last, or the month that has its records. [X-9]"""
    if not request.user.has_perm("datalake.view_parityresult"):
        return None
    periods = [str(asked), str(asked.month_period)]
    found = ParityResult.objects.filter(record_type=record_type, period__in=periods)
    return found.order_by("-period").first()
