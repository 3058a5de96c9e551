"""`run_scheduler [--once]`: triggers due waves, holds late ones, wakes senders; sweeps and delivers
alerts. [W-11, O-2, O-6]
"""

from __future__ import annotations

import threading
from typing import Any

from django.utils import timezone

from operations import tasks
from operations.commands import ServiceCommand
from operations.services import heartbeats
from operations.services.heartbeats import Stop
from waves import rights
from waves.schedule import ScheduleCheck, check_due_waves, keep_checking, void_what_changed
from waves.sending.tasks import wake_senders, wake_waves


class Command(ServiceCommand):
    help = "Send scheduled waves at their notify date. Ends on SIGTERM or SIGINT."
    permissions = rights.SEND

    service = heartbeats.SCHEDULER
    until_once = "check once and end"

    def serve(self, stop: Stop, *, once: bool, **options: Any) -> dict[str, Any]:
        done = ScheduleCheck()
        if once:
            done = check_due_waves(now=timezone.now())
            wake_senders(done.triggered)
            tasks.sweep()
            done.raise_faults()
        else:
            self._check_until_stopped(done, stop)
        return {
            "triggered": [wave.name for wave in done.triggered],
            "held": [wave.name for wave in done.held],
        }

    def _check_until_stopped(self, total: ScheduleCheck, stop: Stop) -> None:
        def report(done: ScheduleCheck) -> None:
            wake_senders(done.triggered)
            total.triggered += done.triggered
            total.held += done.held
            for state, waves in (
                ("triggered", done.triggered),
                ("held", done.held),
                ("voided", done.voided),
            ):
                for wave in waves:
                    self.say(f"{wave.name}: {state}")

        sweeper = threading.Thread(
            target=tasks.keep_sweeping,
            args=(stop, {"waves": wake_waves, "changed waves": void_what_changed}),
            name="sweeper",
            daemon=True,
        )
        sweeper.start()  # a thread of its own: a slow Slack must not make a wave late
        keep_checking(clock=timezone.now, sleep=stop.wait, report=report, stopped=stop.is_set)
