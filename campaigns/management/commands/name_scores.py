"""`name_scores SCORE_FILE --by USER`: choose the score file that will be active, before luck can be
known. [S-8]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.scoring import activation
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = (
        "Choose the score file that becomes active when it is drawn. Possible only before luck can"
        " be known. By default it is the newest one."
    )
    permissions = rights.NAME_SCORES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "score_file", type=int, help="number of the score file, as printed by process_scores"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = activation.name(options["score_file"], by=options["by"])
        return {"campaign_id": campaign.campaign_id, "named": campaign.named_score_file_id}
