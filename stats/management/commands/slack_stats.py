"""`slack_stats`: reports the saved figures of campaigns to Slack, as the schedule does every 30
minutes. [O-3]
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from operations.commands import JsonCommand
from stats import rights
from stats.slack import campaigns


class Command(JsonCommand):
    help = "Report statistics that changed to Slack, of open campaigns with an artist."
    permissions = rights.SAVE
    needs_person = False

    def run(self, **options: Any) -> dict[str, Any]:
        return dict(campaigns.report(now=timezone.now()))
