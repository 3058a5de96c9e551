"""`schedule_wave WAVE --by USER`: the wave goes out at its notify date. [W-2, W-11]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations.commands import JsonCommand
from waves import rights
from waves.lifecycle import wave_named
from waves.schedule import schedule


class Command(JsonCommand):
    help = "Schedule an approved (or held) wave."
    permissions = rights.SCHEDULE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wave")
        parser.add_argument("--reason", default="", metavar="TEXT")

    def run(self, **options: Any) -> dict[str, Any]:
        wave = schedule(
            wave_named(options["wave"]),
            by=options["by"],
            now=timezone.now(),
            reason=options["reason"],
        )
        return {"wave": wave.name, "state": wave.state}
