"""`lake_query SQL [--format table|csv|json] [--reason TEXT] --by USER`: SQL over the lake. [L-8]"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from console.access import record_access
from console.models import Access
from datalake import rights
from datalake.choices import QueryState
from datalake.errors import QueryRefused
from datalake.query import formats, history
from datalake.query.models import LakeQuery
from operations.commands import JsonCommand
from operations.plurals import plural


class Command(JsonCommand):
    help = "Query the lake with SQL. The text and who asked are logged."
    permissions = rights.QUERY

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "sql",
            metavar="SQL",
            help="one SELECT statement, in quotes; - reads it from standard input, so that it is"
            " neither in the shell's history nor in the list of processes",
        )
        parser.add_argument(
            "--format",
            choices=formats.FORMATS,
            default="table",
            help="table (cells shortened), or csv or json, which are exports of personal data and"
            " need --reason",
        )
        parser.add_argument(
            "--reason", default="", metavar="TEXT", help="the reason for an export, which is logged"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        kind, by, reason = options["format"], options["by"], options["reason"].strip()
        is_export = kind != "table"
        if is_export and not reason:
            raise QueryRefused("Enter the reason for the export with --reason. It is logged.")
        sql = options["sql"]
        sql = sys.stdin.read(history.LONGEST_SQL + 1) if sql == "-" else sql
        query, job = history.open_query(sql, by=by)
        if is_export:
            record_access(by, Access.EXPORTED, f"lake query {query.pk}", reason)
        with self.watching(job.pk):
            history.run(job.pk)
        query.refresh_from_db()
        if query.state != QueryState.DONE:
            raise QueryRefused(query.error or f"Query {query.pk} was stopped.")
        rows = history.rows_of(query) or []
        self.text = formats.rendered(kind, query.columns, rows)
        self.say(summary(query))
        result = as_result(query)
        if kind == "json":
            result["result"] = formats.as_objects(query.columns, rows)
        return result

    def shown(self, result: dict[str, Any]) -> str:
        return self.text


def summary(query: LakeQuery) -> str:
    more = ", the limit; there are more" if query.cut else ""
    return (
        f"{plural(query.rows, 'row')}{more}. Read {plural(query.files, 'file')} in"
        f" {query.seconds:.1f} s (query {query.pk})."
    )


def as_result(query: LakeQuery) -> dict[str, Any]:
    return {
        "query": query.pk,
        "columns": [name for name, _ in query.columns],
        "rows": query.rows,
        "cut": query.cut,
        "files": query.files,
        "bytes": query.bytes_read,
    }
