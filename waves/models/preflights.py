"""Pre-flights of waves: what was checked before approval, and who waived what. [X-6]"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from waves.models.waves import Wave


class Preflight(models.Model):
    """One pre-flight of a wave's content. The last one of each wave is kept, and each by which it
    was approved. [X-6]
    """

    wave = models.ForeignKey(
        Wave, on_delete=models.CASCADE, related_name="preflights", db_index=False
    )
    digest = models.CharField(max_length=64, help_text="The content that was checked")
    at = models.DateTimeField(db_default=Now())
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    checks = models.JSONField(default=list, help_text="name, ok and detail of each line")
    figures = models.JSONField(default=dict, help_text="Segments, cost and the rows of samples")
    reds = models.PositiveSmallIntegerField(help_text="How many lines are red")
    approved_at = models.DateTimeField(null=True, blank=True)
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    waiver = models.TextField(blank=True, help_text="Reason for approving in spite of red lines")

    class Meta:
        verbose_name = "pre-flight"
        constraints = [
            models.CheckConstraint(
                name="preflight_red_is_waived_with_a_reason",
                condition=Q(approved_at=None)
                | Q(reds=0)
                | (Q(waived_by__isnull=False) & ~Q(waiver="")),
            )
        ]
        indexes = [models.Index(fields=["wave", "-id"], name="preflight_of_wave")]

    def __str__(self) -> str:
        return f"pre-flight {self.pk} of wave {self.wave_id}"
