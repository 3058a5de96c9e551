"""`rehearse_wave WAVE`: send the whole wave to the recording provider, and show N-7's result. [X-6,
N-7]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from operations.commands import JsonCommand
from waves import rights
from waves.lifecycle import wave_named
from waves.tasks import rehearse_here


class Command(JsonCommand):
    help = "Send a whole wave to a recording provider; no fan gets a message."
    permissions = rights.PREFLIGHT
    needs_person = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wave", help="{campaign_id}_{date_key}")

    def run(self, **options: Any) -> dict[str, Any]:
        return rehearse_here(wave_named(options["wave"]), by=options["by"])
