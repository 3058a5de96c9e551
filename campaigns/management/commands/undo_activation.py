"""`undo_activation CAMPAIGN --by USER`: go back to the score file that the last switch replaced.
[S-13]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.opening import campaign_of
from campaigns.scoring import activation
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Undo the last change of the active score file."
    permissions = rights.ACTIVATE_SCORES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="campaign id")
        parser.add_argument(
            "--reason",
            default="",
            metavar="TEXT",
            help="reason for a late switch, which is shown on the public page",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = activation.undo(
            campaign_of(options["campaign"]).pk, by=options["by"], reason=options["reason"]
        )
        return {"campaign_id": campaign.campaign_id, "active": campaign.active_score_file_id}
