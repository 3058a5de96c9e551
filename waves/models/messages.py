"""Templates, and each message as a row: made before any attempt, kept with its outcome. [N-1, N-3,
N-7]
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.text import capfirst

from campaigns.models import Campaign, Market
from operations.entry import languages
from waves.choices import Audience, Channel, SendState
from waves.models.attempted import Attempted
from waves.models.waves import Member, Wave


class Send(Attempted):
    """One message to one member on one channel; the idempotency key is made with the row, before
    any attempt. [N-3, N-4]
    """

    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="sends", db_index=False)
    member = models.ForeignKey(
        Member, on_delete=models.PROTECT, related_name="sends", db_index=False
    )
    key = models.UUIDField(unique=True, help_text="Idempotency key of (wave, fan, channel)")
    queued_at = models.DateTimeField(
        null=True, blank=True, help_text="When an e-mail came into the e-mail queue"
    )
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="When a receipt or a person settled it"
    )

    class Meta:
        verbose_name = "message"
        constraints = [
            models.UniqueConstraint(name="send_once", fields=["member", "channel"]),
            models.CheckConstraint(
                name="send_failed_says_why", condition=~Q(state=SendState.FAILED) | ~Q(reason="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["wave", "channel", "id"],
                name="send_open",
                condition=Q(state__in=[SendState.PENDING, SendState.SENDING]),
            ),
            # for pages of those in one state, and of one channel and reason
            models.Index(fields=["wave", "state", "channel", "reason", "id"], name="send_listed"),
        ]

    def __str__(self) -> str:
        return f"send {self.pk}"


class Template(models.Model):
    """What a message says: per campaign (or for all), market (or for all), channel, language
    and audience. [N-1]
    """

    campaign = models.ForeignKey(
        Campaign,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="templates",
        db_index=False,
    )
    market = models.ForeignKey(
        Market, null=True, blank=True, on_delete=models.CASCADE, related_name="templates"
    )
    channel = models.CharField(max_length=5, choices=Channel)
    language = models.CharField(max_length=languages.LONGEST, default="en")
    audience = models.CharField(
        max_length=12, choices=Audience, default=Audience.SELECTED, db_default=Audience.SELECTED
    )
    subject = models.CharField(max_length=200, blank=True, help_text="E-mail only")
    body = models.TextField(help_text="Placeholders such as {campaign} and {code}")
    html = models.TextField(blank=True, help_text="E-mail only; the text is sent together with it")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="template_once",
                fields=["campaign", "market", "channel", "language", "audience"],
                nulls_distinct=False,
                violation_error_message="There is a template for this campaign, market, channel,"
                " language and audience already. Edit that one, or choose differently.",
            )
        ]

    def __str__(self) -> str:
        return f"{capfirst(self.get_channel_display())} template {self.pk}"


class TrialMessage(models.Model):
    """A test message: who sent it, to whom of TEST_RECIPIENTS, and what became of it. [N-1]"""

    key = models.UUIDField(unique=True, help_text="Idempotency key, made with the page")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    at = models.DateTimeField(db_default=Now())
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=5, choices=Channel)
    to = models.CharField(max_length=254)
    language = models.CharField(max_length=languages.LONGEST)
    state = models.CharField(max_length=14, choices=SendState, default=SendState.SENDING)
    reason = models.CharField(max_length=60, blank=True)
    provider_id = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = "test message"
        constraints = [
            models.CheckConstraint(
                name="trialmessage_failed_says_why",
                condition=~Q(state=SendState.FAILED) | ~Q(reason=""),
            )
        ]
        indexes = [models.Index(fields=["by", "at"], name="trialmessage_of_person")]

    def __str__(self) -> str:
        return f"test message {self.pk}"
