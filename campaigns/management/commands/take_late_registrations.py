"""`take_late_registrations CAMPAIGN --by USER --reason TEXT`: take in the registrations that came
late on the stream. [S-8]
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.opening import campaign_of
from campaigns.registrations import records
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Take in the registrations that came on the stream after luck could be known."
    permissions = rights.TAKE_LATE_REGISTRATIONS

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="campaign id")
        parser.add_argument(
            "--reason",
            required=True,
            metavar="TEXT",
            help="the reason, which is shown on the public page",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_of(options["campaign"])
        accepted = records.take_late(campaign.pk, by=options["by"], reason=options["reason"])
        return {"campaign_id": campaign.campaign_id, "accepted": accepted}
