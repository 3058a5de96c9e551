"""`load_campaign FILE.json`: create or update a campaign with its markets, lists and templates.
[C-1, C-3, N-1]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from campaigns import loading
from campaigns.errors import BadCampaignFile, RuleChangeRefused
from campaigns.management.local_files import opened
from operations.commands import JsonCommand
from operations.entry import values
from operations.entry.command_rights import is_service_account
from waves import rights
from waves.messages import templates
from waves.template_edits import campaign_edited

MOST_BYTES = 100_000_000  # lists of hundreds of thousands of addresses included


class Command(JsonCommand):
    help = (
        "Create or update a campaign from its JSON file. Loading twice updates it, but never its"
        " draw."
    )
    permissions = rights.LOAD_CAMPAIGN
    needs_person = False
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--reason",
            default="",
            metavar="TEXT",
            help="the reason for changing the rules of an open campaign; needs --by",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        by, reason = options["by"], options["reason"]
        if reason and is_service_account(by):
            raise RuleChangeRefused(
                "--reason is for changing the rules of an open campaign, which needs a person."
                " Enter --by USER as well."
            )
        document = read_json(options["file"])
        with transaction.atomic():
            loaded = loading.load(document, by=by, reason=reason)
            templates.load(loaded.campaign, document.get("templates", []))
            lost = campaign_edited(loaded.campaign.pk, by)
        campaign = loaded.campaign
        return {
            "campaign_id": campaign.campaign_id,
            "status": campaign.status,
            "markets": campaign.markets.count(),
            "commitment": campaign.commitment,
            "salt_commitment": campaign.salt_commitment,
            "warnings": [*loaded.warnings, *lost],
        }


def read_json(path: Path) -> Any:
    """The document in a file. Raises UnreadableFile, BadCampaignFile, BadValue."""
    with opened(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadCampaignFile(f"{path} is larger than {MOST_BYTES:,} bytes, which is the limit.")
    return values.json_of(str(path), content)
