"""`erase_fan GLOBAL_USER_ID --by USER --reason TEXT`: erase a fan, with a receipt. [X-11]"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from console.erasure import PERMISSION, as_result, erase_fan
from operations.commands import JsonCommand
from operations.errors import Refusal, error_text

LONGEST_LINE = 4_000


class Command(JsonCommand):
    help = (
        "Erase a fan from the demand archive. The receipt lists what was erased and"
        " what was not reached."
    )
    permissions = (PERMISSION,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "global_user_id",
            help=(
                "the fan's id; - reads it from standard input, so that it is not in the"
                " shell's history"
            ),
        )
        parser.add_argument(
            "--reason",
            required=True,
            metavar="TEXT",
            help="the reason, which is saved in the receipt",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        fan_id = options["global_user_id"]
        fan_id = sys.stdin.readline(LONGEST_LINE) if fan_id == "-" else fan_id
        try:
            with self.counting("objects searched") as report_progress:
                return as_result(
                    erase_fan(
                        fan_id.strip(),
                        by=options["by"],
                        reason=options["reason"],
                        report_progress=report_progress,
                    )
                )
        except OSError as error:
            raise Refusal(
                f"The bucket returned an error: {error_text(error)}. Run the erasure again when the"
                " bucket is available."
            ) from error
