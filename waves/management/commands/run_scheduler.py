"""`run_scheduler [--once]`: triggers due waves, holds late ones, wakes senders; sweeps and delivers
alerts. [W-11, O-2, O-6]
"""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from operations import tasks
from operations.commands import JsonCommand
from waves.schedule import Look, keep_looking, look
from waves.tasks import wake_senders


class Command(JsonCommand):
    help = "Trigger waves at their notify date; ends on SIGTERM or SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="look once and end")

    def run(self, **options: Any) -> dict[str, Any]:
        seen = Look()
        if options["once"]:
            seen = look(now=timezone.now())
            wake_senders(seen.triggered)
            tasks.sweep()
        else:
            self._look_until_told(seen)
        return {
            "triggered": [wave.name for wave in seen.triggered],
            "held": [wave.name for wave in seen.held],
        }

    def _look_until_told(self, total: Look) -> None:
        told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told.set())

        def report(seen: Look) -> None:
            wake_senders(seen.triggered)
            total.triggered += seen.triggered
            total.held += seen.held
            for state, waves in (
                ("triggered", seen.triggered),
                ("held", seen.held),
                ("voided", seen.voided),
            ):
                for wave in waves:
                    self.say(f"{wave.name}: {state}")

        sweeper = threading.Thread(
            target=tasks.keep_sweeping, args=(told,), name="sweeper", daemon=True
        )
        sweeper.start()  # beside the clock: a slow Slack must not make a wave late
        keep_looking(clock=timezone.now, sleep=told.wait, report=report, told=told.is_set)
