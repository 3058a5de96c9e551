"""`upload_wave CONFIG.json WAVE.csv --date-key KEY --by USER`: take a list of fans in as a wave,
give its rows codes, write the wave's files, and have the wave counted a second time. [W-3, X-14]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from campaigns.management.local_files import opened
from operations.commands import JsonCommand
from waves import rights
from waves.second_count.count import count_here
from waves.second_count.verdict import Standing, standing
from waves.uploads.config import MOST_BYTES, read_config
from waves.uploads.submission import Submitted
from waves.uploads.upload import as_result, upload


class Command(JsonCommand):
    help = "Upload a list of fans as a wave."
    permissions = rights.UPLOAD

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("config", type=Path, metavar="CONFIG.json", help="config of the wave")
        parser.add_argument(
            "list",
            type=Path,
            metavar="WAVE.csv",
            help="CSV: globalUserId,memberId,marketId,email,phone,code",
        )
        parser.add_argument("--date-key", required=True, help="YYYYMMDD or YYYYMMDD-n")
        parser.add_argument(
            "--reason",
            default="",
            metavar="TEXT",
            help="reason why these fans are not drawn, which is shown on the public page",
        )
        parser.add_argument(
            "--expedite",
            default="",
            metavar="REASON",
            help=(
                "reason for short notice: allows uploading less than a day before the notify date"
            ),
        )

    def run(self, **options: Any) -> dict[str, Any]:
        with opened(options["config"]) as file:
            config = read_config(file.read(MOST_BYTES + 1))
        with opened(options["list"]) as rows:
            submitted = Submitted(
                config, rows, options["date_key"], options["reason"], options["expedite"]
            )
            wave = upload(submitted, by=options["by"], now=timezone.now())
        counted = count_here(wave)
        found = standing(counted)
        return as_result(counted) | {
            "second_count": str(found),
            "second_count_problems": counted.count_problems if found == Standing.DIFFERS else [],
        }
