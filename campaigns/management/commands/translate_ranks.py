"""`translate_ranks CAMPAIGN FILE --fanlist ID`: take a file of ranks from upload to STREAMED in the
foreground. [S-15]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from campaigns.management.commands.process_scores import add_reason, finished, result_of
from campaigns.management.local_files import opened
from campaigns.opening import campaign_of
from campaigns.ranks import manifest, rank_files
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Translate a rank file to a score file, then check, draw and publish it."
    permissions = rights.PROCESS_SCORES
    needs_person = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign", help="campaign id")
        parser.add_argument(
            "file", type=Path, help="CSV with global_user_id and rank; can be compressed (.gz)"
        )
        parser.add_argument(
            "--fanlist",
            required=True,
            metavar="ID",
            help="fan list id; a fan list belongs to one campaign",
        )
        parser.add_argument(
            "--no-activate", action="store_true", help="do not change the active score file"
        )
        add_reason(parser)

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = campaign_of(options["campaign"])
        by, path, activate = options["by"], options["file"], not options["no_activate"]
        with opened(path) as file:
            received = rank_files.receive(
                campaign,
                options["fanlist"],
                path.name,
                file,
                by=by,
                activate=activate,
                reason=options["reason"],
                watching=self.watching,
            )
        result = result_of(finished(received.score_file, self, by=by), repeated=received.repeated)
        return result | {
            "manifest": manifest.key_of(rank_files.register(campaign, options["fanlist"]))
        }
