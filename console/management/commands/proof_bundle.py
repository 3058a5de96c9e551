"""`proof_bundle CAMPAIGN`: make the proof bundle of a closed campaign. [S-10]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from campaigns import rights
from console.proof.proof import proof_bundle
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Create the proof with which anyone can check the draw of a closed campaign."
    permissions = rights.PROVE
    needs_person = False
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")

    def run(self, **options: Any) -> dict[str, Any]:
        return proof_bundle(options["campaign"])
