"""`archive_campaign CAMPAIGN --by USER`: its rows go by their age, the proof stays. [C-2, O-10]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.choices import CampaignStatus
from campaigns.opening import campaign_of
from console.archiving import archive
from operations.commands import JsonCommand
from operations.entry import values


class Command(JsonCommand):
    help = "Archive a closed campaign whose proof and days in the data lake are in order."
    permissions = rights.ARCHIVE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("--reason", metavar="TEXT", default="", help="kept in the history")

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_of(options["campaign"])
        reason = values.text("reason", options["reason"].strip(), longest=300)
        if campaign.status == CampaignStatus.ARCHIVED:
            job = archive.unfinished(campaign)
        else:
            job = archive.ask(campaign.pk, by=options["by"], reason=reason)
        if job is not None:  # else it is done: the same answer again
            with self.watching(job.pk):
                campaign = archive.run(job.pk)
        return {
            "campaign_id": campaign.campaign_id,
            "state": campaign.status,
            "commitment": campaign.commitment,
            "salt_commitment": campaign.salt_commitment,
        }
