"""`save_stats`: saves the figures of open campaigns, as the schedule does every five minutes.
[O-3]
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from operations.commands import JsonCommand
from stats import rights
from stats.snapshots import save


class Command(JsonCommand):
    help = "Save the statistics of open campaigns."
    permissions = rights.SAVE
    needs_person = False

    def run(self, **options: Any) -> dict[str, Any]:
        return dict(save.save_open(now=timezone.now()))
