"""Who was selected, as the services that keep fans' accounts are told. [T-4]"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now, Upper

from campaigns.models import Campaign, Market


class Selection(models.Model):
    """A fan of a campaign who was selected: what the last message of the verdict queue says. Codes
    that other services published have one, too. [T-4]
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="selections")
    global_user_id = models.TextField()
    market = models.ForeignKey(
        Market, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    code = models.CharField(max_length=64)
    event_ids = ArrayField(models.TextField(), help_text="The market's, when it was told last")
    version = models.PositiveIntegerField(
        default=1, db_default=1, help_text="How many messages there were"
    )
    correlation_id = models.CharField(max_length=64, blank=True)
    saved_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="selection_once", fields=["global_user_id", "campaign"]),
            models.UniqueConstraint(Upper("code"), name="selection_of_a_code"),
        ]

    def __str__(self) -> str:
        return f"selection {self.pk}"
