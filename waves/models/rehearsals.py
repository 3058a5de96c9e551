"""Rehearsals: the whole wave sent to a recording provider, with rows and keys of its own. [X-6]"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from waves.choices import RehearsalState, SendState
from waves.models.attempted import Attempted
from waves.models.waves import Member, Wave


class Rehearsal(models.Model):
    """One rehearsal of a wave's content, and N-7's result of it once it is over. [X-6, N-7]"""

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="rehearsals")
    digest = models.CharField(max_length=64, help_text="The content that is rehearsed")
    state = models.CharField(max_length=8, choices=RehearsalState, default=RehearsalState.RUNNING)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    has_rows = models.BooleanField(default=False, help_text="Its messages are made")
    ended = models.CharField(max_length=300, blank=True, help_text="Why it was stopped")
    per_second = models.FloatField(default=0)
    total = models.BigIntegerField(default=0)
    ok = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    unknown = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="rehearsal_one_at_a_time",
                fields=["wave"],
                condition=Q(state=RehearsalState.RUNNING),
            ),
            models.CheckConstraint(
                name="rehearsal_adds_up",
                condition=Q(
                    total=F("ok") + F("failed") + F("skipped") + F("unknown") + F("pending")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"rehearsal {self.pk} of wave {self.wave_id}"


class RehearsalSend(Attempted):
    """One rehearsed message. It has the columns of `Send` that senders work on, and no code: the
    one in its text is made while it is sent. Its member may be gone. [X-6, N-3]
    """

    rehearsal = models.ForeignKey(
        Rehearsal, on_delete=models.CASCADE, related_name="sends", db_index=False
    )
    member = models.ForeignKey(
        Member, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    key = models.UUIDField(unique=True, help_text="Of its own: never that of the real message")
    provider_id = models.CharField(
        max_length=80, blank=True, help_text="Begin of the SHA-256 of the recorded text"
    )

    class Meta:
        verbose_name = "rehearsed message"
        constraints = [
            models.UniqueConstraint(
                name="rehearsalsend_once", fields=["rehearsal", "member", "channel"]
            )
        ]
        indexes = [
            models.Index(
                fields=["rehearsal", "channel", "id"],
                name="rehearsalsend_open",
                condition=Q(state__in=[SendState.PENDING, SendState.SENDING]),
            )
        ]

    def __str__(self) -> str:
        return f"rehearsed message {self.pk}"
