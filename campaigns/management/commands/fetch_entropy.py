"""`fetch_entropy CAMPAIGN --by USER`: fetch the value of the campaign's drand round, check its
signature, enter it, and draw the files that waited for it. [S-8]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from campaigns.entropy.fetching import fetch_entropy
from campaigns.management.commands import enter_entropy
from campaigns.models import Campaign


class Command(enter_entropy.Command):
    help = (
        "Fetch the value of the campaign's drand round, check its signature and enter it. Score"
        " files that wait for it are then drawn."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")

    def enter(self, campaign: Campaign, options: Mapping[str, Any]) -> Campaign:
        self.say(f"Fetching {campaign.entropy_source or 'the public value'}")
        return fetch_entropy(campaign.pk, by=options["by"])
