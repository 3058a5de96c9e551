"""The vocabularies of the statistics."""

from __future__ import annotations

from django.db.models import TextChoices


class Finished(TextChoices):
    """What gets one summary on Slack when it is done. [O-3]"""

    WAVE = "wave"
    MERGE = "merge"
