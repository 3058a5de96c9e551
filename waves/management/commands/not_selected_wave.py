"""`not_selected_wave CAMPAIGN DATE_KEY … --by USER`: prepare a wave that tells the fans who were
left out. [X-8]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from waves.management.wave_commands import (
    PreparingCommand,
    add_wave_arguments,
    notify_date_of,
)
from waves.preparation import not_selected
from waves.selection.request import WaveRequest


class Command(PreparingCommand):
    help = (
        "Prepare a wave that tells the fans who are left that they were not selected. Top-ups end"
        " with it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_wave_arguments(parser)

    def request(self, options: dict[str, Any]) -> WaveRequest:
        return not_selected.request_of(
            options["campaign"], options["date_key"], notify_date_of(options)
        )
