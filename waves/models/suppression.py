"""Contacts that get no messages any more. [N-8]"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from campaigns.models import Campaign
from waves.choices import Channel, SuppressedBy


class SuppressionKey(models.Model):
    """The key of the hashes, made with the first suppression and never changed: without it nobody
    on the list would be found again. One row.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    key = models.BinaryField()

    class Meta:
        constraints = [models.CheckConstraint(name="suppressionkey_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return "key of the suppression list"


class Suppression(models.Model):
    """A contact gets no messages, of one campaign or of all (`campaign` null), for one cause;
    `contact` is its keyed hash (`waves.suppression.hashing`). Lifted, it stays as history.
    """

    channel = models.CharField(max_length=5, choices=Channel)
    contact = models.UUIDField(help_text="Keyed hash of the address or phone number")
    sieve = models.IntegerField(
        null=True,
        editable=False,
        help_text="A cheap keyed hash, which spares a selection most of the others; null: of older"
        " entries",
    )
    campaign = models.ForeignKey(
        Campaign,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        help_text="Empty: of all campaigns",
    )
    cause = models.CharField(max_length=12, choices=SuppressedBy)
    reason = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Empty where no person did it",
    )
    at = models.DateTimeField(db_default=Now())
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    lift_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "suppressed contact"
        constraints = [
            # also the index by which each message is asked before it is sent
            models.UniqueConstraint(
                name="suppression_once",
                fields=["contact", "campaign", "cause"],
                condition=Q(lifted_at=None),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="suppression_lifted_says_why",
                condition=Q(lifted_at=None, lifted_by=None, lift_reason="")
                | Q(lifted_at__isnull=False) & ~Q(lift_reason=""),
            ),
            models.CheckConstraint(
                name="suppression_by_hand_names_who",
                condition=~Q(cause__in=[SuppressedBy.HAND, SuppressedBy.FILE])
                | Q(by__isnull=False) & ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(fields=["contact"], name="suppression_contact"),
            models.Index(fields=["cause", "id"], name="suppression_cause"),
            models.Index(fields=["campaign", "id"], name="suppression_campaign"),
        ]

    def __str__(self) -> str:
        return f"suppressed contact {self.pk}"
