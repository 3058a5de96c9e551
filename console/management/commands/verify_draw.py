"""`verify_draw BUNDLE [--fan FAN_REF]`: the bundle's own checker, called from here. [S-10]"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from console.proof import verify_draw
from operations.commands import NOTHING_TO_ASK, JsonCommand
from operations.errors import Refusal


class Command(JsonCommand):
    help = "Check a proof with the same script that is inside it. Exits 1 if anything is wrong."
    permissions = NOTHING_TO_ASK

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bundle", help="the proof (a ZIP file)")
        parser.add_argument("--fan", metavar="FAN_REF", help="also report the result of this fan")
        parser.add_argument("--commitment", metavar="HEX", help="the commitment that was published")

    def handle(self, *args: Any, **options: Any) -> str | None:
        self.ok = False
        super().handle(*args, **options)
        if not self.ok:
            sys.exit(1)
        return None

    def run(self, **options: Any) -> dict[str, Any]:
        if not Path(options["bundle"]).is_file():
            raise Refusal(
                f"File {options['bundle']} does not exist. Create the proof with proof_bundle,"
                " which prints its path."
            )
        arguments = [options["bundle"]]
        for name in ("fan", "commitment"):
            arguments += [f"--{name}", options[name]] if options[name] else []
        chosen = verify_draw.options_of(arguments)
        report = verify_draw.check(chosen.bundle, chosen)
        for line in verify_draw.in_words(report):
            self.say(line)
        self.ok = not report.problems
        return report.as_json() | ({} if self.ok else {"error": report.problems[0]})
