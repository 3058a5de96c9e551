"""`stop_all --by USER --reason TEXT`: nothing is sent any more through any provider. [N-6]"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves import rights
from waves.management.wave_commands import AllSendingCommand
from waves.sending import accounts


class Command(AllSendingCommand):
    help = "Stop all sending within two seconds."
    permissions = rights.STOP_ALL
    state = "stopped"

    def act(self, *, by: User, reason: str) -> list[str]:
        return accounts.stop_all(reason, by=by)
