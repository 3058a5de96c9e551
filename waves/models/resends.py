"""A fan's code sent again by the support desk, each message as a row. [X-12]"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from waves.choices import SendState
from waves.models.attempted import Attempted
from waves.models.waves import Member, Wave


class Resend(Attempted):
    """One message of a wave sent again to one fan, to the contact that support named. It has the
    columns of `Send` that senders work on, and a key of its own. [X-12, N-3, N-4]
    """

    request = models.UUIDField(help_text="Made with the form: the same one twice sends once")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    at = models.DateTimeField(db_default=Now())
    why = models.TextField("reason given")
    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="resends")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="resends")
    contact = models.CharField("to", max_length=254)
    is_corrected = models.BooleanField(
        "corrected", help_text="Another contact than the one in the wave"
    )
    key = models.UUIDField(unique=True, help_text="Of its own: never that of the wave's message")
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "message sent again"
        verbose_name_plural = "messages sent again"
        default_permissions = ("view",)
        permissions = [("resend_code", "Can send one fan's code again, to a corrected contact")]
        constraints = [
            models.UniqueConstraint(name="resend_once", fields=["request", "channel"]),
            models.CheckConstraint(name="resend_says_why", condition=~Q(why="")),
            models.CheckConstraint(
                name="resend_failed_says_why", condition=~Q(state=SendState.FAILED) | ~Q(reason="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["wave", "channel", "id"],
                name="resend_open",
                condition=Q(state__in=[SendState.PENDING, SendState.SENDING]),
            ),
            models.Index(fields=["by", "at"], name="resend_of_person"),
        ]

    def __str__(self) -> str:
        return f"message {self.pk} sent again"
