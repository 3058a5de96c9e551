"""`pause_wave WAVE --by USER --reason TEXT`: no message starts any more until it is resumed; of a
completed wave, what it still has to send. [N-6]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves import rights
from waves.actions import pause
from waves.management.wave_commands import WaveActionCommand
from waves.models import Wave


class Command(WaveActionCommand):
    help = "Pause a wave that is being sent, or the queued e-mails of a completed one."
    permissions = rights.SEND

    def act(self, wave: Wave, *, by: User, reason: str) -> Wave:
        return pause(wave, by=by, reason=reason)
