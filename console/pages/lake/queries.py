"""SQL over the lake: asked, shown while it runs, its result, the CSV, and who asked what before.
[L-8, O-7]
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import (
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, action, form_page, log_access, page, render
from console.downloads import attachment, csv_lines
from console.forms import ReasonForm
from console.models import Access
from console.pages.jobs import work_on
from datalake import rights, tasks
from datalake.query import formats, history, local, remote, tables
from datalake.query.models import LakeQuery
from operations.errors import Refusal

SHOWN_ROWS: Final = 500  # of a result; the CSV has all
PER_PAGE: Final = 20
LONGEST_NUMBER: Final = 18  # digits
NUMBERS: Final = ("int", "uint", "double", "float", "decimal")  # types whose columns are aligned


@form_page(*rights.QUERY)
def query_lake(request: StaffRequest) -> HttpResponse:
    """The form, the tables, and the queries asked before, newest first."""
    sql = request.POST.get("sql", "")
    if request.method == "POST":
        try:
            query = tasks.ask_lake(sql, by=request.user)
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            return HttpResponseRedirect(reverse("lake-query", args=[query.pk]))
    return render(
        request,
        "console/lake/query.html",
        "Query the lake",
        **_earlier(request.GET.get("before", "")),
        **_form(sql or _again(request.GET.get("again", ""))),
    )


def _again(number: str) -> str:
    """The text of an earlier query, by its number: texts are never put in the URL."""
    asked = LakeQuery.objects.filter(pk=_number(number)).values_list("sql", flat=True)
    return asked.first() or ""


def _number(text: str) -> int:
    """The number of a query; 0, which none has, for what is no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else 0


def _earlier(before: str) -> dict[str, Any]:
    """A page of the history, and where the next begins."""
    asked = LakeQuery.objects.select_related("by").defer("answer").order_by("-pk")
    if edge := _number(before):
        asked = asked.filter(pk__lt=edge)
    found = list(asked[: PER_PAGE + 1])
    more = len(found) > PER_PAGE
    return {
        "queries": found[:PER_PAGE],
        "older": found[PER_PAGE - 1].pk if more else 0,
        "not_newest": bool(edge),
    }


def _form(sql: str) -> dict[str, Any]:
    return {
        "sql": sql,
        "tables": tables.described(in_glue=remote.is_configured()),
        "by_athena": remote.is_configured(),
        "limits": local.limits(),
        "longest": history.LONGEST_SQL,
    }


@page(*rights.QUERY)
def lake_query(request: StaffRequest, pk: int) -> HttpResponse:
    """One query: its progress, or why it was refused, or its first rows. That somebody else's
    result was opened is logged: nothing in it is masked. [O-5]
    """
    query = get_object_or_404(LakeQuery.objects.select_related("by"), pk=pk)
    rows = history.rows_of(query)
    if rows and query.by != request.user:
        log_access(request, Access.FOUND, f"lake query {pk}", f"opened the result of {query.by}")
    columns = [(name, kind, kind.startswith(NUMBERS)) for name, kind in query.columns]
    return render(
        request,
        "console/lake/query_result.html",
        f"Query {pk}",
        query=query,
        kept=rows is not None,
        kept_hours=history.KEPT_FOR.total_seconds() / 3_600,
        shown=[
            [
                (formats.as_text(value), is_number)
                for value, (*_, is_number) in zip(row, columns, strict=True)
            ]
            for row in (rows or [])[:SHOWN_ROWS]
        ],
        columns=columns,
        more=max(0, query.rows - SHOWN_ROWS),
        **_form(query.sql),
        **work_on(request, history.subject_of(query)),
    )


@action(*rights.QUERY)
def lake_query_csv(request: StaffRequest, pk: int) -> HttpResponseBase:
    """All rows that were kept, for a spreadsheet. [O-7]"""
    query = get_object_or_404(LakeQuery, pk=pk)
    back, form = reverse("lake-query", args=[pk]), ReasonForm(request.POST)
    rows = history.rows_of(query)
    if not form.is_valid():
        messages.error(request, "Enter the reason for the download.")
        return HttpResponseRedirect(back)
    if rows is None:
        messages.error(request, "The result is no longer kept. Run the query again.")
        return HttpResponseRedirect(back)
    log_access(request, Access.EXPORTED, f"lake query {pk}", form.cleaned_data["reason"])
    lines = csv_lines(formats.text_rows(query.columns, rows))
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers=attachment(f"lake-query-{pk}.csv"),
    )
