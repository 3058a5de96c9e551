"""`close_campaign CAMPAIGN --by USER`: end a campaign and reveal its draw. [C-2]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.opening import campaign_of, close_campaign
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Close a campaign whose waves are finished, and reveal its draw."
    permissions = rights.OPEN_AND_CLOSE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = close_campaign(campaign_of(options["campaign"]).pk, by=options["by"])
        return {"campaign_id": campaign.campaign_id, "state": campaign.status}
