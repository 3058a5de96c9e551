"""What was done to a campaign after luck could be known, and the shared lists that it was judged by
before. [S-8]
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from campaigns.choices import LateKind, ListKind
from campaigns.models.presales import Campaign
from operations.database.clock import database_time


class LateChange(models.Model):
    """One act after luck could be known: public with its reason and the number of fans that it
    moved; who did it is not. `subject` names what it was about, and no person. [S-8]
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="late_changes", db_index=False
    )
    number = models.PositiveIntegerField(help_text="Among the campaign's late changes, public")
    kind = models.CharField(max_length=20, choices=LateKind)
    subject = models.CharField(max_length=200)
    reason = models.TextField()
    details = models.JSONField(default=dict, blank=True)
    moved = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Fans it moved; not known while its file is processed"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=database_time, editable=False)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(name="latechange_number", fields=["campaign", "number"]),
            models.CheckConstraint(name="latechange_says_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"late change {self.number} of campaign {self.campaign_id}: {self.subject}"


class KeptList(models.Model):
    """One list file of the scoring bucket as it is for a campaign: its newest version from before
    luck could be known, or the one that a person took in since. `waiting_sha256`: of a version that
    came later and that nobody took in. [S-4, S-8]
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="kept_lists", db_index=False
    )
    kind = models.CharField(max_length=20, choices=ListKind)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    waiting_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="keptlist_one_each", fields=["campaign", "kind"])
        ]

    def __str__(self) -> str:
        return f"{self.kind} of campaign {self.campaign_id}"
