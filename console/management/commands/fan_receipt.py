"""`fan_receipt CAMPAIGN GLOBAL_USER_ID|--all FILE --by USER`: what fans check their entry with.
[S-8, X-2, O-7]
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.errors import NoReceipt
from campaigns.models import Campaign
from campaigns.opening import campaign_of
from campaigns.receipts import receipt_of_fan, write_receipts
from console.access import record_access
from console.models import Access
from operations.commands import JsonCommand
from operations.entry.command_rights import acting_user
from operations.entry.trimming import trim

LONGEST_LINE = 4_000
BY_COMMAND = "fan_receipt"  # the reason where none is given


class Command(JsonCommand):
    help = (
        "Show a fan's reference, nonce and link to check their entry in the draw, or write those of"
        " all registrants to a CSV file."
    )
    permissions = rights.SEE_RECEIPT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument(
            "global_user_id",
            nargs="?",
            help="the fan's id; - reads it from standard input, so that it is not in the shell's"
            " history",
        )
        whose.add_argument(
            "--all",
            metavar="FILE",
            type=Path,
            help="write the receipts of all registrants to this file; this is an export of personal"
            " data, which needs a right of its own and --reason",
        )
        parser.add_argument(
            "--reason", default="", metavar="TEXT", help="the reason, which is logged"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        campaign, by = campaign_of(options["campaign"]), options["by"]
        reason = options["reason"].strip()
        if options["all"]:
            return self._all(campaign, options["all"], by, reason)
        given = options["global_user_id"]
        fan = trim(sys.stdin.readline(LONGEST_LINE) if given == "-" else given)
        receipt = receipt_of_fan(campaign, fan)
        record_access(by, Access.FOUND, campaign.campaign_id, reason or BY_COMMAND)
        return {"campaign_id": campaign.campaign_id, **asdict(receipt)}

    def _all(self, campaign: Campaign, path: Path, by: User, reason: str) -> dict[str, Any]:
        acting_user(by.get_username(), "fan_receipt --all", rights.EXPORT_RECEIPTS)
        if not reason:
            raise NoReceipt("Enter the reason for the export with --reason. It is logged.")
        record_access(by, Access.EXPORTED, f"receipts of {campaign.campaign_id}", reason)
        with self.counting("receipts written") as report_progress:
            fans = write_receipts(campaign, path, report_progress=report_progress)
        return {"campaign_id": campaign.campaign_id, "fans": fans, "file": str(path)}
