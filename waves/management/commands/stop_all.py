"""`stop_all --by USER --reason TEXT [--resume]`: nothing is sent any more through any provider, or
is again. [N-6]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from operations.commands import JsonCommand, user
from waves.choices import WaveState
from waves.models import Wave
from waves.sending import accounts
from waves.tasks import wake_senders


class Command(JsonCommand):
    help = "Stop all sending within two seconds, or resume it with --resume."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", required=True, metavar="USER")
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="the reason, which is logged"
        )
        parser.add_argument(
            "--resume", action="store_true", help="resume sending through all providers"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        person, reason = user(options["by"]), options["reason"]
        if options["resume"]:
            names = accounts.resume_all(reason, by=person)
            wake_senders(Wave.objects.filter(state=WaveState.TRIGGERED))
        else:
            names = accounts.stop_all(reason, by=person)
        state = "sending" if options["resume"] else "stopped"
        return {"state": state, "accounts": names, "in_flight": accounts.in_flight()}
