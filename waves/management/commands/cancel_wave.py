"""`cancel_wave WAVE --by USER --reason TEXT`: its fans, and its codes that are not assigned, are
free again. [W-2, K-5]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves import rights
from waves.actions import cancel
from waves.management.wave_commands import WaveActionCommand
from waves.models import Wave


class Command(WaveActionCommand):
    help = "Cancel a wave that is not completed."
    permissions = rights.SEND

    def act(self, wave: Wave, *, by: User, reason: str) -> Wave:
        return cancel(wave, by=by, reason=reason)
