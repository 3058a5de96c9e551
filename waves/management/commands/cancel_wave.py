"""`cancel_wave WAVE --by USER --reason TEXT`: its fans, and its codes that are not assigned, are
free again. [W-2, K-5]
"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves.actions import cancel
from waves.management.wave_commands import SteeringCommand
from waves.models import Wave


class Command(SteeringCommand):
    help = "Cancel a wave that is not completed."

    def steer(self, wave: Wave, *, by: User, reason: str) -> Wave:
        return cancel(wave, by=by, reason=reason)
