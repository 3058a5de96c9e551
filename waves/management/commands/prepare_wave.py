"""`prepare_wave CAMPAIGN DATE_KEY … --by USER`: select, give codes, write the wave's files, and
have the wave counted a second time. [W-4 … W-9, X-14]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations.commands import JsonCommand
from waves import rights
from waves.management.wave_commands import add_request_arguments, request_of
from waves.preparation.prepare import prepare
from waves.second_count.count import count_here
from waves.second_count.verdict import Standing, standing


class Command(JsonCommand):
    help = "Prepare a wave: select members, reserve codes and write files."
    permissions = rights.PREPARE

    def add_arguments(self, parser: CommandParser) -> None:
        add_request_arguments(parser)
        parser.add_argument(
            "--expedite",
            default="",
            metavar="REASON",
            help=(
                "reason for short notice: allows preparing less than a day before the notify date"
            ),
        )
        parser.add_argument(
            "--reason",
            default="",
            metavar="TEXT",
            help=(
                "reason for the wave's own minimum score, order or single market, which is shown"
                " on the public page"
            ),
        )
        parser.add_argument(
            "--previewed",
            default="",
            metavar="MEMBERS_DIGEST",
            help="digest from preview_wave; fails if other members are selected",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        prepared = prepare(
            request_of(options),
            by=options["by"],
            now=timezone.now(),
            expedite=options["expedite"],
            reason=options["reason"],
            previewed_digest=options["previewed"],
        )
        counted = count_here(prepared.wave)
        found = standing(counted)
        return prepared.as_result() | {
            "second_count": str(found),
            "second_count_problems": counted.count_problems if found == Standing.DIFFERS else [],
        }
