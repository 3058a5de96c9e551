"""What senders keep of a message while they try to send it, whoever's message it is. [N-3, N-4]"""

from __future__ import annotations

from django.db import models

from waves.choices import Channel, SendState


class Attempted(models.Model):
    """The columns that senders work on: of a wave's messages, of rehearsed ones, and of those that
    support sends again.
    """

    channel = models.CharField(max_length=5, choices=Channel)
    state = models.CharField(max_length=14, choices=SendState, default=SendState.PENDING)
    reason = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="Back-off: no attempt before this"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(
        null=True,
        blank=True,
        help_text="Fences the outcome: only the claim that sent may record it",
    )
    maybe_accepted = models.BooleanField(
        default=False, db_default=False, help_text="An earlier attempt may have arrived"
    )
    key_used_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the first attempt began that may have been accepted",
    )
    provider = models.CharField(
        max_length=40,
        blank=True,
        db_default="",
        help_text="Account of the last attempt's provider",
    )
    provider_id = models.CharField(max_length=80, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
