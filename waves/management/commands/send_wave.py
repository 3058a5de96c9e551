"""`send_wave WAVE [--retry-failed [--channel C]]`: triggers the wave if it is due, and sends
it. [W-11, N-1 … N-7]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from operations.commands import JsonCommand
from waves import rights
from waves.choices import Channel, WaveState
from waves.lifecycle import wave_named
from waves.sending.tasks import send_here
from waves.sending.triggering import trigger


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
        parser.add_argument(
            "--channel",
            choices=Channel.values,
            help="with --retry-failed: those of this channel only",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        wave = wave_named(options["wave"])
        # A held wave is triggered by a person who says why, not by this command; a completed one
        # has only failed ones left.
        if wave.state in {WaveState.SCHEDULED, WaveState.TRIGGERED}:
            trigger(wave, by=options["by"], now=timezone.now(), reason="due")
        channel = Channel(options["channel"]) if options["channel"] else None
        if channel and not options["retry_failed"]:
            raise CommandError("--channel goes with --retry-failed: a wave is sent whole.")
        return send_here(wave, retry_failed=options["retry_failed"], channel=channel)
