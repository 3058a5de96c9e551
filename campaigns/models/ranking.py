"""Lists of fans by rank, and their files. [S-15]"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from campaigns.choices import ScoringType
from campaigns.models.scoring import FanList, ScoreFile


class RankFile(models.Model):
    """One file of ranks as it was uploaded, the formula it is translated by, and the score file it
    became. [S-15]
    """

    fanlist = models.ForeignKey(
        FanList, on_delete=models.CASCADE, related_name="rank_files", db_index=False
    )
    name = models.CharField(max_length=255)
    key = models.CharField(max_length=300, help_text="Object key in the scoring bucket")
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField(default=0)
    formula = models.CharField(
        max_length=10,
        choices=ScoringType,
        help_text="The campaign's formula when the file was received",
    )
    activate = models.BooleanField(
        default=True, help_text="Make its score file active when processing finishes"
    )
    reason = models.TextField(blank=True, help_text="Why it is taken in late")
    counts = models.JSONField(
        default=dict, help_text="records, malformed, invalid_ranks, fans, max_rank"
    )
    score_file = models.ForeignKey(
        ScoreFile, null=True, blank=True, on_delete=models.CASCADE, related_name="rank_files"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="rankfile_once", fields=["fanlist", "sha256", "formula"])
        ]

    def __str__(self) -> str:
        return f"file of ranks {self.pk}: {self.name}"
