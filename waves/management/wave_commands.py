"""The base of the commands with which a person steers a wave: `WAVE --by USER --reason TEXT`.
[interfaces: reset_wave …]
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from operations.commands import JsonCommand, user
from waves.models import Wave
from waves.moves import wave_named


class SteeringCommand(JsonCommand):
    """Subclasses implement `steer`."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wave", help="{campaign_id}_{date_key}")
        parser.add_argument("--by", required=True, metavar="USER", help="who does it")
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="why; it is written down"
        )

    @abstractmethod
    def steer(self, wave: Wave, *, by: User, reason: str) -> Wave:
        """Move the wave. Raises Refusal."""

    def run(self, **options: Any) -> dict[str, Any]:
        wave = self.steer(
            wave_named(options["wave"]), by=user(options["by"]), reason=options["reason"]
        )
        return {"wave": wave.name, "state": wave.state}
