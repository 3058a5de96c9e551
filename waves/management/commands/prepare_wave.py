"""`prepare_wave CAMPAIGN DATE_KEY … --by USER`: select, give codes, write the wave's files, and
have the wave counted a second time. [W-4 … W-9, X-14]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from waves.management.wave_commands import (
    PreparingCommand,
    add_own_rules_reason,
    add_request_arguments,
    request_of,
)
from waves.selection.request import WaveRequest


class Command(PreparingCommand):
    help = "Prepare a wave: select members, reserve codes and write files."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_request_arguments(parser)
        add_own_rules_reason(parser, "the wave's own minimum score, order or single market")

    def request(self, options: dict[str, Any]) -> WaveRequest:
        return request_of(options)
