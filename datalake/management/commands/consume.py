"""Let the consumers of the streams take what is there. [T-1]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from datalake.streams import consumers
from operations.commands import ServiceCommand
from operations.job_kinds import ADMINISTRATORS_RIGHT
from operations.services import heartbeats
from operations.services.heartbeats import Stop


class Command(ServiceCommand):
    help = "Run the stream consumers: all of them, or the named ones."
    permissions = (ADMINISTRATORS_RIGHT,)

    service = heartbeats.CONSUMERS
    until_once = "end when the streams are empty, instead of waiting for more"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "consumers", nargs="*", metavar="CONSUMER", help="name of a consumer, such as lake"
        )

    def serve(self, stop: Stop, *, once: bool, **options: Any) -> dict[str, Any]:
        return dict(consumers.consume(options["consumers"], once=once, stop=stop))
