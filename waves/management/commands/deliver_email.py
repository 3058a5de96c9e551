"""`deliver_email [--limit N]`: hands queued e-mails to the provider. [N-5]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from operations.commands import JsonCommand
from waves import rights
from waves.sending import email_queue


class Command(JsonCommand):
    help = "Send the e-mails in the queue."
    permissions = rights.SEND
    needs_person = False
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=None, help="send at most this many")

    def run(self, **options: Any) -> dict[str, Any]:
        return dict(email_queue.deliver(limit=options["limit"]))
