"""`send_wave WAVE [--retry-failed]`: triggers the wave if it is due, and sends it. [W-11, N-1 …
N-7]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations.commands import JsonCommand
from waves import rights
from waves.choices import WaveState
from waves.lifecycle import wave_named
from waves.sending.triggering import trigger
from waves.tasks import send_here


class Command(JsonCommand):
    help = "Send a wave that is due, and wait until all messages are sent."
    permissions = rights.SEND
    needs_person = False
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wave", help="{campaign_id}_{date_key}")
        parser.add_argument(
            "--retry-failed",
            action="store_true",
            help="send only the failed messages again",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        wave = wave_named(options["wave"])
        # A held wave is triggered by a person who says why, not by this command; a completed one
        # has only failed ones left.
        if wave.state in {WaveState.SCHEDULED, WaveState.TRIGGERED}:
            trigger(wave, by=options["by"], now=timezone.now(), reason="due")
        return send_here(wave, retry_failed=options["retry_failed"])
