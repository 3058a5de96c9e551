"""Lists of millions: pages by key, never by offset, and an estimate instead of a count.

A page is asked for with `?after=<pk>` or `?before=<pk>`: the primary key of the row at the edge of
the page before. The URL holds a row's key, not its contents, so that no personal data
does. [O-7]
"""

from __future__ import annotations

from typing import Any, cast

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

AFTER, BEFORE = "after", "before"


def estimated_rows(table: str) -> int:
    """What PostgreSQL's statistics say about the table's size (partitions included); 0 before the
    first ANALYZE.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)",
            [table],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


class EstimatePaginator(Paginator):
    """Never counts. `template_name` is where the theme finds the links to the next and the previous
    page.
    """

    template_name = "console/parts/paging.html"

    @cached_property
    def count(self) -> int:
        return estimated_rows(cast("QuerySet[Model]", self.object_list).model._meta.db_table)


class KeysetChangeList(ChangeList):
    """A list page in the order of one indexed key; reads one row more than it shows to know whether
    there is a next page.

    `key` comes from the admin: for each filter the indexed field that is unique within it, else the
    primary key, newest first.
    """

    newer: str | None = None
    older: str | None = None

    def get_results(self, request: HttpRequest) -> None:
        paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        field, descending = self.model_admin.key_for(self.filter_params)
        after, before = request.edges  # type: ignore[attr-defined]
        rows = _page(self.queryset, field, descending, after, before, self.list_per_page)
        more = len(rows) > self.list_per_page
        rows = rows[: self.list_per_page]
        if before:
            rows.reverse()
        has_older = bool(before) or more
        has_newer = more if before else bool(after)
        if rows and has_older:
            self.older = self.get_query_string({AFTER: rows[-1].pk})
        if rows and has_newer:
            self.newer = self.get_query_string({BEFORE: rows[0].pk})
        self.result_list = rows
        self.estimate = 0 if self.has_active_filters else paginator.count
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = bool(rows)
        self.can_show_all = self.multi_page = False
        self.paginator = paginator


def _page(
    queryset: QuerySet[Any],
    field: str,
    descending: bool,
    after: str | None,
    before: str | None,
    size: int,
) -> list[Any]:
    edge = (
        queryset.model._default_manager.filter(pk=after or before).values_list(field, flat=True)
        if after or before
        else []
    )
    forward = not before
    for value in edge:
        towards = "lt" if descending == forward else "gt"
        queryset = queryset.filter(**{f"{field}__{towards}": value})
    sign = "-" if descending == forward else ""
    return list(queryset.order_by(f"{sign}{field}")[: size + 1])
