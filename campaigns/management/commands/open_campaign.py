"""`open_campaign CAMPAIGN --by USER`: lock the draw of a draft, publish its commitments. [S-8]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.opening import campaign_of, open_campaign, require_source
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Open a draft: lock its draw and its public source, and publish the commitments."
    permissions = rights.OPEN_AND_CLOSE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument(
            "--without-source",
            action="store_true",
            help="confirm that the campaign has no public source, so that anyone who can read the"
            " database knows the luck of every fan beforehand",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        draft = campaign_of(options["campaign"])
        require_source(draft, confirmed=options["without_source"], how="--without-source")
        opened = open_campaign(draft.pk, by=options["by"])
        return {
            "state": opened.status,
            "commitment": opened.commitment,
            "salt_commitment": opened.salt_commitment,
        }
