"""`activate_scores SCORE_FILE --by USER`: make a streamed score file the one that counts. [S-13]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.scoring import activation
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Make a streamed score file the active one of its campaign."
    permissions = rights.ACTIVATE_SCORES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "score_file", type=int, help="number of the score file, as printed by process_scores"
        )
        parser.add_argument(
            "--reason",
            default="",
            metavar="TEXT",
            help="reason for a late switch, which is shown on the public page",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = activation.activate(
            options["score_file"], by=options["by"], reason=options["reason"]
        )
        return {"campaign_id": campaign.campaign_id, "active": campaign.active_score_file_id}
