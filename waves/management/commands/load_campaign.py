"""`load_campaign FILE.json`: create or update a campaign with its markets, lists and templates.
[C-1, C-3, N-1]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from campaigns import loading
from campaigns.errors import BadCampaignFile
from campaigns.management.local_files import opened
from operations.commands import JsonCommand, user
from operations.entry import values
from operations.errors import BadValue
from waves.messages import templates
from waves.template_edits import campaign_edited

MOST_BYTES = 100_000_000  # lists of hundreds of thousands of addresses included


class Command(JsonCommand):
    help = (
        "Create or update a campaign from its JSON file. Loading twice updates it, but never its"
        " draw."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", help="Who changes the rules of an open campaign")
        parser.add_argument("--reason", default="", help="Why the rules of an open campaign change")

    def run(self, **options: Any) -> dict[str, Any]:
        document = read_json(options["file"])
        with transaction.atomic():
            by = user(options["by"]) if options["by"] else None
            loaded = loading.load(document, by=by, reason=options["reason"])
            templates.load(loaded.campaign, document.get("templates", []))
            lost = campaign_edited(loaded.campaign.pk, by)
        campaign = loaded.campaign
        return {
            "campaign_id": campaign.campaign_id,
            "status": campaign.status,
            "markets": campaign.markets.count(),
            "commitment": campaign.commitment,
            "warnings": [*loaded.warnings, *lost],
        }


def read_json(path: Path) -> Any:
    """The document in a file. Raises UnreadableFile, BadCampaignFile."""
    with opened(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadCampaignFile(f"{path} is larger than {MOST_BYTES:,} bytes, which is the limit.")
    try:
        return values.json_of(str(path), content)
    except BadValue as error:
        raise BadCampaignFile(str(error)) from error
