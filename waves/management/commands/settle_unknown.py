"""`settle_unknown WAVE [--channel C] --as sent|failed|again --by USER --reason TEXT`: a person says
whether messages whose outcome is unknown were sent. [N-4]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from operations.commands import JsonCommand
from waves import rights
from waves.choices import Channel, Settling
from waves.lifecycle import wave_named
from waves.sending import settling
from waves.sending.tasks import wake_waves


class Command(JsonCommand):
    help = "Settle a wave's messages whose outcome is unknown."
    permissions = rights.SEND

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wave", help="{campaign_id}_{date_key}")
        parser.add_argument("--channel", choices=Channel.values, help="default: both")
        parser.add_argument(
            "--as", dest="settling", choices=Settling.values, required=True, help="what they are"
        )
        parser.add_argument("--reason", required=True, help="for the history of the wave")

    def run(self, **options: Any) -> dict[str, Any]:
        wave = wave_named(options["wave"])
        channel = Channel(options["channel"]) if options["channel"] else None
        how, reason = Settling(options["settling"]), options["reason"]
        settled = settling.settle(wave.pk, how, by=options["by"], reason=reason, channel=channel)
        if how == Settling.AGAIN:
            wake_waves()
        left = settling.unknown_messages(wave)
        return {"wave": wave.name, "settled": settled, "unknown": left}
