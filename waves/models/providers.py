"""Provider accounts, the processes that send through them, and counts of what providers post.
[N-2, N-3, N-6]
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from waves.choices import ReceiptResult
from waves.models.waves import Wave


class ProviderAccount(models.Model):
    """A provider's account: what all workers together may send through it, and whether it is
    paused. [N-2, N-6]
    """

    name = models.CharField(max_length=40, unique=True)
    paused = models.BooleanField(default=False)
    paused_reason = models.CharField(max_length=200, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    in_flight = models.PositiveIntegerField(default=0)
    permits_until = models.DateTimeField(
        null=True, blank=True, help_text="Up to when permits are given out"
    )

    def __str__(self) -> str:
        return self.name


class ReceiptCount(models.Model):
    """How many of a provider's events had a result, by UTC day. Those that are applied are counted
    from their messages instead. A count is the sum over its slots, of which each request takes one
    by chance, so that they do not wait for each other. [N-3]
    """

    provider = models.CharField(max_length=40)
    day = models.DateField()
    result = models.CharField(max_length=20, choices=ReceiptResult)
    slot = models.PositiveSmallIntegerField(default=0, db_default=0)
    number = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="receiptcount_once", fields=["provider", "day", "result", "slot"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.result} {self.day}"


class TakenReport(models.Model):
    """A text or an objection that a provider posted and that was acted on: its own id, or the key
    of the message and what was objected. [N-8]
    """

    provider = models.CharField(max_length=40)
    reference = models.CharField(max_length=80)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="takenreport_once", fields=["provider", "reference"])
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.reference}"


class Sender(models.Model):
    """A process that sends through an account, and its part of the account's concurrency; dead when
    its lease is over. [N-2]

    Its id is the `claim` in the rows it sends.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(ProviderAccount, on_delete=models.CASCADE, related_name="senders")
    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="senders")
    slots = models.PositiveIntegerField(default=0, help_text="Requests it may have in flight")
    in_flight = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField()
    started_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="sender_within_its_slots", condition=Q(in_flight__lte=F("slots"))
            )
        ]

    def __str__(self) -> str:
        return f"sender {self.pk}"
