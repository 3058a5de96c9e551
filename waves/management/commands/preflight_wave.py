"""`preflight_wave WAVE`: check a prepared wave before it is approved, and keep the result. [X-6]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from operations.commands import JsonCommand
from waves import rights
from waves.lifecycle import wave_named
from waves.preflight.clearance import is_red
from waves.preflight.run import preflight


class Command(JsonCommand):
    help = "Check a prepared wave: codes, messages, cost, providers and workers."
    permissions = rights.PREFLIGHT
    needs_person = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wave", help="{campaign_id}_{date_key}")

    def run(self, **options: Any) -> dict[str, Any]:
        found = preflight(wave_named(options["wave"]), by=options["by"])
        checks = [
            {
                "name": line["name"],
                "ok": not is_red(line),
                "color": line["ok"],
                "detail": line["detail"],
            }
            for line in found.checks
        ]
        return {"ok": not found.reds, "checks": checks}
