"""What in a score file looks made by machines. [X-13]"""

from __future__ import annotations

from django.db import models

from campaigns.choices import SuspiciousKind
from campaigns.models.scoring import ScoreFile


class SuspiciousGroup(models.Model):
    """Fans of a score file who have in common what chance alone hardly brings together. It holds no
    contact; its fans are found again by their ids.
    """

    score_file = models.ForeignKey(
        ScoreFile, on_delete=models.CASCADE, related_name="suspicious_groups", db_index=False
    )
    number = models.PositiveIntegerField(help_text="Its place in the report, from 1")
    kind = models.CharField(max_length=20, choices=SuspiciousKind)
    fans = models.PositiveIntegerField()
    expected = models.FloatField(help_text="Fans that chance alone would put there")
    corrected_p = models.FloatField(help_text="Chance of such a group, corrected for all looked at")
    about = models.JSONField(default=dict, help_text="What can be said of it without a contact")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(name="suspiciousgroup_once", fields=["score_file", "number"])
        ]

    def __str__(self) -> str:
        return f"suspicious group {self.number} of score file {self.score_file_id}"


class SuspiciousFan(models.Model):
    """A fan of a group; `place` counts from 1, by the lines of the score file."""

    group = models.ForeignKey(
        SuspiciousGroup, on_delete=models.CASCADE, related_name="members", db_index=False
    )
    place = models.PositiveIntegerField()
    global_user_id = models.TextField()

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(name="suspiciousfan_once", fields=["group", "place"])
        ]

    def __str__(self) -> str:
        return f"fan {self.place} of group {self.group_id}"
