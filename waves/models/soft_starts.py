"""How far a wave's soft start is. [N-9]"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from waves.choices import SoftStartState
from waves.models.waves import Wave


class SoftStart(models.Model):
    """The first fans of a wave whose messages go before all others. It is made in the transaction
    that makes the messages, and only where there are more fans. [N-9]
    """

    wave = models.OneToOneField(
        Wave, on_delete=models.CASCADE, primary_key=True, related_name="soft_started"
    )
    fans = models.PositiveIntegerField(help_text="How many fans are notified first")
    first_send = models.BigIntegerField(help_text="The first of their messages")
    last_send = models.BigIntegerField(help_text="The last of them: nothing behind it is sent")
    state = models.CharField(
        max_length=7, choices=SoftStartState, default=SoftStartState.FIRST, db_index=True
    )
    waiting_since = models.DateTimeField(null=True, blank=True)
    alerted = models.CharField(
        max_length=4, blank=True, help_text="The verdict that Slack was last told of"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="softstart_waits_since",
                condition=Q(state__in=[SoftStartState.FIRST, SoftStartState.PASSED])
                | Q(waiting_since__isnull=False),
            ),
            models.CheckConstraint(
                name="softstart_has_messages",
                condition=Q(fans__gt=0, first_send__lte=F("last_send")),
            ),
        ]

    def __str__(self) -> str:
        return f"soft start of wave {self.wave_id}"
