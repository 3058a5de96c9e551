"""The demand archive: its numbers, a record looked for by POST, and one record with its history.
[BR-020, D-6]
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from console.access import StaffRequest, form_page, log_access, page, render
from console.charts import demand
from console.demand import history, numbers
from console.demand.fields import Line, in_order, lines
from console.demand.history import State
from console.forms import DemandFindForm
from console.models import Access
from demand.choices import DemandType
from demand.models import CurrentRecord, ErrorFile, EventUpload
from demand.schemas import schema_of
from operations.adminkit import unmasking
from operations.adminkit.plaintext import visible

FOUND = 50  # on a page
NEWEST = 5
PLURALS = {"demand": "Demands", "notification": "Notifications", "event": "Events", "sale": "Sales"}
KEYS = {
    "fan": "fan_id",
    "event": "event_id",
    "sale": "sale_id",
    "reference": "reference_id",
    "record_type": "record_type",
}


@page("demand.view_batch")
def overview(request: StaffRequest) -> HttpResponse:
    """Volumes by type and day, the results of the batches, how far the streams are read. `until`
    names the last day shown.
    """
    now = timezone.now()
    volumes = numbers.volumes(today=now.date(), until=_day(request.GET.get("until", "")))
    may = request.user.has_perm
    return render(
        request,
        "console/demand/overview.html",
        "Demand archive",
        volumes=volumes,
        panels=[
            (PLURALS[name], sum(counts.values()), _picture(name, volumes))
            for name, counts in volumes.counts.items()
        ],
        last_day=numbers.last_day(now=now),
        days=numbers.batches_by_day(now=now),
        streams=numbers.streams(),
        error_files=ErrorFile.objects.order_by("-pk")[:NEWEST]
        if may("demand.view_errorfile")
        else None,
        uploads=EventUpload.objects.order_by("-pk")[:NEWEST]
        if may("demand.view_eventupload")
        else None,
    )


def _picture(name: str, volumes: numbers.Volumes) -> str:
    counts, days = volumes.counts[name], numbers.SHOWN_DAYS
    return demand.volume(
        counts,
        first=volumes.first,
        days=days,
        ident=f"volume-{name}",
        title=f"{PLURALS[name]} by day",
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@form_page("demand.view_currentrecord")
def find(request: StaffRequest) -> HttpResponse:
    """Records by fan, event, sale, reference. The search term is never put in the URL."""
    form = DemandFindForm(request.POST or None)
    found: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        asked = {name: form.cleaned_data[name] for name in KEYS if form.cleaned_data[name]}
        by = ", ".join(name for name in asked if name != "record_type")
        log_access(request, Access.FOUND, f"demand archive, by {by}", form.cleaned_data["reason"])
        found = _found(asked, form.cleaned_data["after"])
    return render(request, "console/demand/find.html", "Find a demand record", form=form, **found)


def _found(asked: dict[str, str], after: int | None) -> dict[str, Any]:
    """A page of records, the newest change first. Ordered by a column without index on purpose:
    with one, PostgreSQL might walk through all records in its order instead of reading the few that
    were asked for.
    """
    records = CurrentRecord.objects.filter(
        **{KEYS[name]: value for name, value in asked.items()}
    ).defer("record")
    edge = records.filter(pk=after).first() if after else None
    if edge is not None:
        records = records.filter(
            Q(changed_at__lt=edge.changed_at) | Q(changed_at=edge.changed_at, pk__lt=edge.pk)
        )
    rows = list(records.order_by("-changed_at", "-pk")[: FOUND + 1])
    return {
        "searched": True,
        "records": rows[:FOUND],
        "further": rows[FOUND - 1].pk if len(rows) > FOUND else None,
        "names": [name for name in KEYS if name in asked],
    }


@page("demand.view_currentrecord")
def record(request: StaffRequest, pk: int) -> HttpResponse:
    """A record as it is now, what belongs to it, and each state that the archive keeps. `before`
    names the snapshot that ends the page before.
    """
    current = get_object_or_404(CurrentRecord, pk=pk)
    before = request.GET.get("before", "")
    states, came_before = history.history(
        current, before=int(before) if before.isdecimal() and len(before) < 19 else None
    )
    hidden = not unmasking.shown(request)
    return render(
        request,
        "console/demand/record.html",
        visible(str(current)),
        current=current,
        reference=visible(current.reference_id),
        lines=lines(in_order(current.record, schema_of(current.record_type).avro), hidden=hidden),
        related=_related(current),
        history=_compared(states, came_before, hidden=hidden),
        older=states[-1].snapshot.pk if came_before else None,
        newer=bool(before),
        may_show_personal_data=unmasking.may_show(request),
        personal_data_shown=not hidden,
    )


def _related(current: CurrentRecord) -> list[tuple[str, CurrentRecord]]:
    """What the record is about: its event and sale; and its demand or notification, which has the
    same reference. One query.
    """
    same = Q(reference_id=current.reference_id)
    event = Q(record_type=DemandType.EVENT, reference_id=current.event_id)
    sale = Q(record_type=DemandType.SALE, reference_id=f"{current.event_id}_{current.sale_id}")
    found = (
        CurrentRecord.objects.filter(same | event | sale)
        .exclude(pk=current.pk)
        .order_by("record_type")
    )
    return [
        (visible(str(row.record.get("name") or row.reference_id)), row)
        for row in found[: len(DemandType)]
    ]


def _compared(
    states: list[State], came_before: State | None, *, hidden: bool
) -> list[dict[str, Any]]:
    """Each state beside the one before it: its fields, those that changed, and whether it is the
    first that is known.
    """
    older = [*states[1:], came_before][: len(states)]
    return [
        _comparison(state, before, hidden=hidden)
        for state, before in zip(states, older, strict=True)
    ]


def _comparison(state: State, before: State | None, *, hidden: bool) -> dict[str, Any]:
    known = before.record if before else None
    fields: list[Line] = [] if state.record is None else lines(state.record, known, hidden=hidden)
    return {
        "state": state,
        "lines": fields,
        "changes": [line for line in fields if line.changed],
        "first": before is None,
        "compared": known is not None and state.record is not None,
    }
