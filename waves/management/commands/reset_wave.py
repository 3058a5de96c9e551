"""`reset_wave WAVE --by USER --reason TEXT`: two new attempts for a wave that is not scheduled yet.
[W-9]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves import rights
from waves.actions import reset
from waves.management.wave_commands import WaveActionCommand
from waves.models import Wave


class Command(WaveActionCommand):
    help = "Reset a wave to CONFIGURED, so that it can be prepared again."
    permissions = rights.RESET

    def act(self, wave: Wave, *, by: User, reason: str) -> Wave:
        return reset(wave, by=by, reason=reason)
