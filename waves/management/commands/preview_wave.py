"""`preview_wave CAMPAIGN DATE_KEY …`: the members that a preparation would select now; writes
nothing. [W-7]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations.commands import NOTHING_TO_ASK, JsonCommand
from waves.management.wave_commands import add_request_arguments, request_of
from waves.preparation.previews import preview


class Command(JsonCommand):
    help = "Show what a wave would select, without saving anything."
    permissions = NOTHING_TO_ASK

    def add_arguments(self, parser: CommandParser) -> None:
        add_request_arguments(parser)

    def run(self, **options: Any) -> dict[str, Any]:
        request = request_of(options)
        found = preview(request, now=timezone.now())
        if found.refusal:
            for reason, count in found.planned.excluded.items():
                self.say(f"{reason.label}: {count:,}")
            raise found.refusal
        for warning in found.warnings:
            self.say(str(warning))
        return found.planned.as_result()
