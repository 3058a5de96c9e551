"""`consume_demand --stream NAME [--once]`: archives the change events of a Kinesis stream. [D-1]"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from datalake.aws.kinesis import KinesisStream
from demand import rights
from demand.archiving.batches import MOST_EVENTS
from demand.sources.kinesis_stream import consume
from operations.commands import ServiceCommand
from operations.services.heartbeats import Stop


class Command(ServiceCommand):
    help = (
        "Archive the change events of a Kinesis stream. Ends on SIGTERM or SIGINT,"
        " after the current batch."
    )
    permissions = rights.ARCHIVE_EVENTS

    service = "change events"
    until_once = "end when all shards are fully read"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--stream", required=True, help="name of the stream")
        parser.add_argument(
            "--batch-size",
            type=int,
            default=MOST_EVENTS,
            help=f"maximum number of events in a batch (default {MOST_EVENTS})",
        )

    def name(self, **options: Any) -> str:
        return f"{self.service} of {options['stream']}"

    def serve(self, stop: Stop, *, once: bool, **options: Any) -> dict[str, Any]:
        if not 1 <= options["batch_size"] <= MOST_EVENTS:
            raise CommandError(
                f"--batch-size {options['batch_size']} is not from 1 to {MOST_EVENTS}."
            )
        stream = KinesisStream(options["stream"], endpoint=settings.AWS_ENDPOINT_URL)
        return consume(stream, stop=stop, once=once, limit=options["batch_size"]).as_result()
