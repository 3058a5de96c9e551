"""Figures of campaigns over time, what Slack was told of them, and the success metrics. [O-3,
O-8]
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from campaigns.models import Campaign
from stats.choices import Finished


class RegistrantCount(models.Model):
    """By how much one transaction changed the registrants of a campaign: the sum over its rows is
    how many there are. Triggers on the registrants write them; nothing else does. [O-3]

    Ten million registrants are never counted. Rows are only added, so imports wait for nobody, and
    are added up to one whenever statistics are saved. A draft that is deleted leaves its rows
    behind until then, which is why there is no foreign key in the database.
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    registered = models.BigIntegerField()
    confirmed = models.BigIntegerField(help_text="Of them, with a confirmed phone")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.registered:+} registrants of campaign {self.campaign_id}"


class KeptCount(models.Model):
    """A count that takes long, kept until it is worth counting again. [O-3]"""

    name = models.CharField(max_length=80, unique=True, help_text="Such as wave 12")
    state = models.CharField(
        max_length=40, help_text="Of what is counted: in another one, it is counted at once"
    )
    figures = models.JSONField()
    seconds = models.FloatField(help_text="How long counting took")
    unchanged = models.PositiveIntegerField(
        default=0, help_text="How often in a row it found the same"
    )
    counted_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Snapshot(models.Model):
    """The figures of a campaign from `at` on; `until` is the last time at which they were found
    unchanged. [O-3]
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="snapshots", db_index=False
    )
    at = models.DateTimeField(help_text="A multiple of five minutes")
    until = models.DateTimeField()
    registered = models.BigIntegerField()
    confirmed = models.BigIntegerField(help_text="Registered, with a confirmed phone")
    scored = models.BigIntegerField(help_text="Rows of the active score file")
    accepted = models.BigIntegerField()
    rejected = models.BigIntegerField()
    rejected_by = models.JSONField(help_text="Rejected rows by reason")
    bands = models.JSONField(help_text="Accepted rows by band")
    wanted = models.JSONField(
        help_text="Accepted fans by the markets they prefer; one who prefers none wants any"
    )
    selected = models.JSONField(help_text="Fans selected by waves, by market")
    codes = models.JSONField(help_text="Access codes: free, reserved, assigned")
    messages = models.JSONField(help_text="By channel: sent, failed, delivered and more")

    class Meta:
        verbose_name = "statistics"
        verbose_name_plural = "statistics"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="snapshot_once", fields=["campaign", "at"]),
            models.CheckConstraint(name="snapshot_lasts", condition=Q(until__gte=F("at"))),
            models.CheckConstraint(
                name="snapshot_ledger", condition=Q(scored=F("accepted") + F("rejected"))
            ),
        ]

    def __str__(self) -> str:
        return f"statistics of campaign {self.campaign_id} at {self.at:%Y-%m-%d %H:%M}"


class SlackReport(models.Model):
    """The figures of a campaign that Slack was told last. [O-3]"""

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="+")
    figures = models.JSONField(default=dict)
    at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Slack report of campaign {self.campaign_id}"


class Summary(models.Model):
    """Slack was told that a wave or merge is finished: once, by whoever wrote this row. [O-3]"""

    of = models.CharField(max_length=10, choices=Finished)
    number = models.BigIntegerField(help_text="The key of the wave or merge")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="summary_once", fields=["of", "number"])]

    def __str__(self) -> str:
        return f"summary of {self.of} {self.number}"


class Metric(models.Model):
    """A success metric as it was measured last, and since when it misses its target. [O-8]"""

    name = models.CharField(max_length=40, unique=True)
    value = models.FloatField(null=True, help_text="None: there was nothing to measure")
    samples = models.BigIntegerField(default=0)
    measured_at = models.DateTimeField()
    missed_since = models.DateTimeField(null=True)
    alerted_at = models.DateTimeField(null=True, help_text="When its miss alerted last")
    alerted_value = models.FloatField(null=True, help_text="What it was then")

    class Meta:
        verbose_name = "success metric"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name
