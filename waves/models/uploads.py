"""What was uploaded for a wave, and what became of its rows. [W-3, S-10]"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from waves.models.waves import Wave


class WaveUpload(models.Model):
    """The list of an uploaded wave: where it is kept, who gave it and why, and its ledger."""

    wave = models.OneToOneField(Wave, on_delete=models.CASCADE, related_name="upload")
    key = models.CharField(max_length=300, help_text="The list as it came, in the scoring bucket")
    sha256 = models.CharField(max_length=64)
    by_role = models.CharField(
        max_length=80, blank=True, help_text="The role of who uploaded it; public"
    )
    reason = models.TextField(blank=True, help_text="Why these fans were not drawn; public")
    rows_in = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    rejected_by = models.JSONField(default=dict, blank=True, help_text="Rows by reason")
    ignored_columns = models.JSONField(default=list, blank=True)
    generated = models.PositiveIntegerField(default=0, help_text="Codes made for its rows")
    failed = models.PositiveIntegerField(default=0, help_text="Rows whose code could not be made")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="waveupload_ledger", condition=Q(rows_in=F("accepted") + F("rejected"))
            ),
        ]

    def __str__(self) -> str:
        return f"the list of wave {self.wave_id}"
