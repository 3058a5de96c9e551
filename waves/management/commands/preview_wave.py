"""`preview_wave CAMPAIGN DATE_KEY …`: the members that a preparation would select now; writes
nothing. [W-7]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations.commands import NOTHING_TO_ASK, JsonCommand
from operations.errors import BadValue
from waves.management.wave_commands import add_request_arguments, request_of
from waves.preparation.previews import preview
from waves.selection.what_if import changes_of


class Command(JsonCommand):
    help = "Show what a wave would select, without saving anything."
    permissions = NOTHING_TO_ASK

    def add_arguments(self, parser: CommandParser) -> None:
        add_request_arguments(parser)
        parser.add_argument(
            "--plans",
            metavar="FILE",
            help="also compare up to three other plans: a JSON list of objects with capacities,"
            " min_score, order, single_market, late_registrations, reassign",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        request = request_of(options)
        changes = changes_of(_content(options["plans"])) if options["plans"] else []
        found = preview(request, now=timezone.now(), changes=changes)
        if found.refusal:
            for reason, count in found.planned.excluded.items():
                self.say(f"{reason.label}: {count:,}")
            raise found.refusal
        for warning in found.warnings:
            self.say(str(warning))
        beside = {"plans": found.beside} if changes else {}
        return found.planned.as_result() | beside


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadValue("--plans", f"{path} cannot be read: {error.strerror}.") from error
