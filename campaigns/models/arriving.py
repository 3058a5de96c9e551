"""What lay in the scoring bucket and was noticed there. [S-1]"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from campaigns.models.presales import Campaign
from campaigns.models.scoring import ScoreFile


class Arrival(models.Model):
    """One version of an object in the scoring bucket. The constraint makes it one, however many
    look at once.
    """

    key = models.TextField()
    version = models.CharField(
        max_length=120, help_text="S3's ETag and its date, or when the file was last written to"
    )
    size = models.BigIntegerField()
    campaign = models.ForeignKey(
        Campaign,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Of a browser's upload to S3",
    )
    name = models.CharField(max_length=255, blank=True, help_text="The uploaded file's own name")
    activate = models.BooleanField(default=True)
    dry_run_first = models.BooleanField(
        default=False, help_text="Start with a dry run; a person decides what follows"
    )
    reason = models.TextField(blank=True, help_text="Why it is taken in late")
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who takes it in late",
    )
    score_file = models.ForeignKey(
        ScoreFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="arrival_once", fields=["key", "version"])]

    def __str__(self) -> str:
        return f"arrival {self.pk}: {self.key}"
