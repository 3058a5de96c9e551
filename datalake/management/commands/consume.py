"""Let the consumers of the streams take what is there. [T-1]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from datalake.streams import consumers
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Let consumers take the records of their streams: all consumers, or the named ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("consumers", nargs="*", metavar="CONSUMER", help="e.g. lake")
        parser.add_argument(
            "--once",
            action="store_true",
            help="end when the streams are empty, instead of waiting for more",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        return dict(consumers.consume(options["consumers"], once=options["once"]))
