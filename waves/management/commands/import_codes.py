"""`import_codes CAMPAIGN FILE --source NAME`: import a CSV file of access codes that somebody else
made. [K-1, K-4]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from campaigns.management.local_files import opened
from campaigns.opening import campaign_of
from operations.commands import JsonCommand
from operations.instants import in_words
from waves import rights
from waves.choices import CodeReason
from waves.codes import imports


class Command(JsonCommand):
    help = "Import access codes that a partner made into an open campaign."
    permissions = rights.IMPORT_CODES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--source", required=True, metavar="NAME", help="who made the codes, for their custody"
        )
        parser.add_argument(
            "--market",
            default="",
            metavar="ID",
            help="the only market for codes whose row names none; default: every market",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        by = options["by"]
        with opened(options["file"]) as file:
            found = imports.receive(
                campaign_of(options["campaign"]),
                options["file"].name,
                file,
                origin=options["source"],
                market_id=options["market"],
                by=by,
            )
        is_left = imports.has_work_left(found)
        if is_left:
            job = imports.open_job(found, by=by)
            with self.watching(job.pk):
                found = imports.process(job.pk)
        else:
            self.say(f"This file was already imported on {in_words(found.created_at)}.")
        return {
            "code_file": found.pk,
            "repeated": not is_left,
            "rows_in": found.rows_in,
            "accepted": found.accepted,
            "rejected": {
                reason.value: found.rejected_by[reason]
                for reason in CodeReason
                if reason in found.rejected_by
            },
            "ignored_columns": found.ignored_columns,
            "rejected_file": found.rejected_key,
        }
