"""`approve_wave WAVE --by USER --digest CONTENT_DIGEST`: a second person says yes to exactly this
content, which is counted here if no second count has yet. [W-10, X-5, X-14]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations.commands import JsonCommand
from waves import rights
from waves.approval import approve
from waves.lifecycle import wave_named
from waves.second_count.count import count_here


class Command(JsonCommand):
    help = "Approve a prepared wave."
    permissions = rights.APPROVE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wave")
        parser.add_argument(
            "--digest",
            required=True,
            metavar="CONTENT_DIGEST",
            help="digest of the approved content, as printed by prepare_wave",
        )
        parser.add_argument(
            "--waive",
            default="",
            metavar="REASON",
            help="reason for having no second person; only if WAVES_FOUR_EYES is off",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        wave = approve(
            count_here(wave_named(options["wave"])),
            by=options["by"],
            digest=options["digest"],
            now=timezone.now(),
            waiver=options["waive"],
        )
        return {"wave": wave.name, "state": wave.state}
