"""`top_up_wave CAMPAIGN DATE_KEY … --by USER`: prepare a wave that gives the free seats to the next
fans in order, under the rules of the wave that was selected last. [X-7]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from waves.management.wave_commands import (
    PreparingCommand,
    add_own_rules_reason,
    add_wave_arguments,
    notify_date_of,
)
from waves.preparation import top_up
from waves.selection.request import WaveRequest


class Command(PreparingCommand):
    help = "Prepare a top-up: free seats go to the next fans, by the rules of the last wave."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_wave_arguments(parser)
        add_own_rules_reason(parser, "rules of its own that the topped-up wave has")

    def request(self, options: dict[str, Any]) -> WaveRequest:
        return top_up.request_of(options["campaign"], options["date_key"], notify_date_of(options))
