"""`load_campaign FILE.json`: create or update a campaign with its markets, lists and templates.
[C-1, C-3, N-1]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from campaigns import loading
from campaigns.errors import BadCampaignFile
from campaigns.management.local_files import opened
from operations.commands import JsonCommand
from waves.messages import templates


class Command(JsonCommand):
    help = (
        "Create or update a campaign from its JSON file. Loading twice updates it, but never its"
        " draw."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def run(self, **options: Any) -> dict[str, Any]:
        document = read_json(options["file"])
        with transaction.atomic():
            loaded = loading.load(document)
            templates.load(loaded.campaign, document.get("templates", []))
        campaign = loaded.campaign
        return {
            "campaign_id": campaign.campaign_id,
            "status": campaign.status,
            "markets": campaign.markets.count(),
            "commitment": campaign.commitment,
            "warnings": loaded.warnings,
        }


def read_json(path: Path) -> Any:
    """The document in a file. Raises UnreadableFile, BadCampaignFile."""
    with opened(path) as file:
        try:
            return json.load(file)
        except (ValueError, UnicodeDecodeError) as error:
            raise BadCampaignFile(f"{path} is not a JSON file: {error}.") from error
