"""`erase_fan GLOBAL_USER_ID --by USER --reason TEXT`: erase a fan, with a receipt. [X-11]"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from console.erasure.erase import PERMISSION, erase, request
from console.erasure.receipts import as_result
from operations.commands import JsonCommand
from operations.errors import Refusal, error_text

LONGEST_LINE = 4_000


class Command(JsonCommand):
    help = (
        "Erase a fan everywhere. The receipt lists what was erased, and what was not reached"
        " and why. If it is interrupted, a worker continues."
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
            job = request(fan_id.strip(), by=options["by"], reason=options["reason"])
            with self.watching(job.pk):
                return as_result(erase(job.pk))
        except OSError as error:
            raise Refusal(
                f"The bucket returned an error: {error_text(error)}. The erasure continues when the"
                " bucket is available."
            ) from error
