"""`enter_entropy CAMPAIGN VALUE --by USER`: enter the public random value once, and draw the files
that waited for it. [S-8]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.entropy.fetching import enter_by_hand
from campaigns.models import Campaign
from campaigns.opening import campaign_of
from campaigns.scoring import score_files
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = (
        "Enter the value of the campaign's public source. Score files that wait for it"
        " are then drawn."
    )
    permissions = rights.ENTER_ENTROPY

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("value")

    def enter(self, campaign: Campaign, options: Mapping[str, Any]) -> Campaign:
        return enter_by_hand(campaign.pk, options["value"], by=options["by"])

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = self.enter(campaign_of(options["campaign"]), options)
        waiting = score_files.release_waiting(campaign)
        for score_file in waiting:
            score_files.process(score_files.open_job(score_file, by=options["by"]).pk)
        return {
            "campaign_id": campaign.campaign_id,
            "released": [score_file.pk for score_file in waiting],
        }
