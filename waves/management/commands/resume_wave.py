"""`resume_wave WAVE --by USER --reason TEXT`: sending continues. [N-6]"""

from __future__ import annotations

from django.contrib.auth.models import User

from waves import rights
from waves.actions import resume
from waves.management.wave_commands import WaveActionCommand
from waves.models import Wave
from waves.sending.tasks import wake_senders


class Command(WaveActionCommand):
    help = "Resume a paused wave, or the queued e-mails of a completed one."
    permissions = rights.SEND

    def act(self, wave: Wave, *, by: User, reason: str) -> Wave:
        resumed = resume(wave, by=by, reason=reason)
        wake_senders([resumed])
        return resumed
