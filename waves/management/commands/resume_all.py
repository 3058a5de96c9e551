"""`resume_all --by USER --reason TEXT`: sending through all providers continues. [N-6]"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves import rights
from waves.choices import WaveState
from waves.management.wave_commands import AllSendingCommand
from waves.models import Wave
from waves.sending import accounts
from waves.sending.tasks import wake_senders


class Command(AllSendingCommand):
    help = "Resume sending through all providers."
    permissions = rights.RESUME_PROVIDER
    state = "sending"

    def act(self, *, by: User, reason: str) -> list[str]:
        names = accounts.resume_all(reason, by=by)
        wake_senders(Wave.objects.filter(state=WaveState.TRIGGERED))
        return names
