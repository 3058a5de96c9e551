"""`approve_wave WAVE --by USER --digest CONTENT_DIGEST`: a second person says yes to exactly this
content, which is counted here if no second count has yet, and has its pre-flight here if it is not
green already. [W-10, X-5, X-6, X-14]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations.commands import JsonCommand
from waves import rights
from waves.approval import approve
from waves.choices import WaveState
from waves.lifecycle import wave_named
from waves.preflight.jobs import preflight_here
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
            help="reason for approving although the pre-flight has red lines, or, if"
            " WAVES_FOUR_EYES is off, without a second person",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        wave = count_here(wave_named(options["wave"]))
        if wave.state == WaveState.PREPARED:
            preflight_here(wave, by=options["by"])
        wave = approve(
            wave,
            by=options["by"],
            digest=options["digest"],
            now=timezone.now(),
            waiver=options["waive"],
        )
        return {"wave": wave.name, "state": wave.state}
