"""Compare database and lake by type and day. [X-9]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from datalake import catalogue, layout, rights
from datalake.parity import check
from datalake.parity.comparison import Compared
from operations.commands import JsonCommand
from operations.entry import values


class Command(JsonCommand):
    help = "Compare what was published with what the lake holds, by record type and day."
    permissions = rights.PARITY
    needs_person = False
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", metavar="ISO", help="only the UTC day of this date")
        parser.add_argument("--type", metavar="T", help="only this record type")
        parser.add_argument(
            "--files",
            action="store_true",
            help="read every record of the files, instead of trusting the catalog",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        date = options["date"]
        found = check.check(
            [options["type"]] if options["type"] else [],
            day=layout.day_of(values.instant("--date", date)) if date else None,
            read_files=options["files"],
        )
        return {
            "ok": found.ok,
            "waiting": found.waiting,
            "partitions": [as_result(each) for each in found.partitions],
        }


def as_result(each: Compared) -> dict[str, Any]:
    """Numbers of records; the content hashes too where they differ."""
    database = each.database
    result: dict[str, Any] = {
        "type": each.record_type,
        "period": str(each.period),
        "database": database.content.records,
        "lake": each.lake.records,
        "ok": each.ok,
        "from_files": database.from_files,
        "tombstones": database.tombstones,
    }
    if each.error:
        result["error"] = each.error
    elif not each.ok:
        result["database_hash"] = catalogue.as_text(database.content.content_hash)
        result["lake_hash"] = catalogue.as_text(each.lake.content_hash)
    return result
