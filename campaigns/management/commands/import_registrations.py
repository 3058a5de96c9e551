"""`import_registrations CAMPAIGN FILE`: import a CSV, TSV or Avro file of registrations, or the
corrected rejected rows of one. [C-4]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.choices import Reason, Tag
from campaigns.management.local_files import opened
from campaigns.opening import campaign_of
from campaigns.registrations import corrections, imports
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Import a registration file into an open campaign."
    permissions = rights.IMPORT_REGISTRATIONS
    needs_person = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--correction-of",
            type=int,
            metavar="REGISTRATION_FILE",
            help="the file contains corrected rejected rows of this registration file",
        )
        parser.add_argument(
            "--reason",
            default="",
            metavar="TEXT",
            help="reason for a late file, which is shown on the public page; needs --by",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        campaign, by = campaign_of(options["campaign"]), options["by"]
        number = options["correction_of"]
        corrects = None if number is None else corrections.original_of(campaign, number)
        with opened(options["file"]) as file:
            found = imports.receive(
                campaign,
                options["file"].name,
                file,
                by=by,
                reason=options["reason"],
                corrects=corrects,
            )
        if imports.has_work_left(found):
            job = imports.open_job(found, by=by)
            with self.watching(job.pk):
                found = imports.process(job.pk)
        return {
            "registration_file": found.pk,
            "rows_in": found.rows_in,
            "accepted": found.accepted,
            "rejected": {
                reason.value: found.rejected_by[reason]
                for reason in Reason
                if reason in found.rejected_by
            },
            "ignored_columns": found.ignored_columns,
            "tagged": {tag.value: found.tagged_by[tag] for tag in Tag if tag in found.tagged_by},
            "rejected_file": found.rejected_key,
            **({"correction_of": corrects.pk} if corrects else {}),
        }
