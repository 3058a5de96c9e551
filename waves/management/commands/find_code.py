"""`find_code CODE`: a code's custody, whatever its case. [K-1, X-10]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from operations.commands import JsonCommand
from waves import rights
from waves.codes.custody import custody, find
from waves.codes.partner_codes import state_at_service


class Command(JsonCommand):
    help = "Show where an access code came from and its current state."
    permissions = rights.FIND_FAN
    needs_person = False  # it shows ids, and no contact
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code")

    def run(self, **options: Any) -> dict[str, Any]:
        code = find(options["code"])
        return custody(code) | {"state_at_service": state_at_service(code)}
