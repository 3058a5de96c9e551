"""`reschedule_wave WAVE --notify-date ISO --by USER --reason TEXT`: a new notify date for the same
members and codes, to be approved again. [W-2]
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.utils import timezone

from waves import rights
from waves.actions import reschedule
from waves.management.wave_commands import WaveActionCommand, notify_date
from waves.models import Wave


class Command(WaveActionCommand):
    help = "Give a prepared or held wave a new notify date. It must be approved again."
    permissions = rights.PREPARE

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--notify-date", required=True, metavar="ISO")

    def run(self, **options: Any) -> dict[str, Any]:
        self._notify_date = notify_date(options["notify_date"])
        return super().run(**options)

    def act(self, wave: Wave, *, by: User, reason: str) -> Wave:
        return reschedule(
            wave, notify_date=self._notify_date, by=by, reason=reason, now=timezone.now()
        )
