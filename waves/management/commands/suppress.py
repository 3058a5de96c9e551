"""`suppress FILE|ADDRESS [--campaign C] --by USER --reason TEXT`: contacts that get no messages any
more, of a file or one that is named. [N-8]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from campaigns.management.local_files import opened
from campaigns.opening import campaign_of
from operations.commands import JsonCommand
from waves import rights
from waves.choices import ContactProblem, SuppressedBy
from waves.suppression.contacts import contact_of
from waves.suppression.files import MOST_NAMED, FileResult, suppress_file
from waves.suppression.suppressed import ground_of, suppress


class Command(JsonCommand):
    help = "Send no more messages to the contacts of a file, or to one contact."
    permissions = rights.SUPPRESS

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "contacts",
            metavar="FILE|ADDRESS",
            help="a CSV file with a column email, phone or contact; or an address or a number",
        )
        parser.add_argument(
            "--campaign", metavar="ID", help="of this campaign only; default: of all campaigns"
        )
        parser.add_argument(
            "--reason",
            required=True,
            metavar="TEXT",
            help="the reason, which is logged; public where a campaign's luck could be known",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        named, path = options["contacts"], Path(options["contacts"])
        campaign = campaign_of(options["campaign"]) if options["campaign"] else None
        is_file = path.exists() or not ("@" in named or named.startswith("+"))
        cause = SuppressedBy.FILE if is_file else SuppressedBy.HAND
        ground = ground_of(cause, campaign, by=options["by"], reason=options["reason"])
        if not is_file:
            added = suppress([contact_of(named)], ground)
            return FileResult(rows_in=1, contacts=1, added=added).as_result()
        with opened(path) as file:
            result = suppress_file(file, ground, taken=self._tell)
        for line, problem in result.problems:
            self.say(f"line {line:,}: {ContactProblem(problem).label}")
        if (more := result.rejected.total() - len(result.problems)) > 0:
            self.say(f"Only the first {MOST_NAMED} are listed; {more:,} more were rejected.")
        return result.as_result()

    def _tell(self, so_far: FileResult) -> None:
        if self.stderr.isatty():
            self.say(f"{so_far.rows_in:,} rows")
