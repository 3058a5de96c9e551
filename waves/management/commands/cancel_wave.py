"""`cancel_wave WAVE --by USER --reason TEXT`: its fans, and its codes that are not assigned, are
free again; a completed one stays completed, and what it still has to send is not sent. [W-2, K-5,
N-6]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves import rights
from waves.actions import cancel
from waves.management.wave_commands import WaveActionCommand
from waves.models import Wave


class Command(WaveActionCommand):
    help = "Cancel a wave, or the queued e-mails of a completed one."
    permissions = rights.SEND

    def act(self, wave: Wave, *, by: User, reason: str) -> Wave:
        return cancel(wave, by=by, reason=reason)
