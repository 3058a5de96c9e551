"""`unschedule_wave WAVE --by USER --reason TEXT`: back to approved. [W-2]"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves import rights
from waves.management.wave_commands import WaveActionCommand
from waves.models import Wave
from waves.schedule import unschedule


class Command(WaveActionCommand):
    help = "Unschedule a wave."
    permissions = rights.SCHEDULE

    def act(self, wave: Wave, *, by: User, reason: str) -> Wave:
        return unschedule(wave, by=by, reason=reason)
