"""`consume_archive_queue [--once]`: archives the sources of merges when the queue ARCHIVE_QUEUE
names them. [L-5]
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from datalake import rights, tasks
from operations.commands import ServiceCommand
from operations.errors import Refusal
from operations.services.heartbeats import Stop


class Command(ServiceCommand):
    help = (
        "Archive the sources of merges as soon as the SQS queue names them. Ends on SIGTERM or"
        " SIGINT, after the archive in hand."
    )
    permissions = rights.MERGE

    service = "Archive queue"
    until_once = "end when the queue is empty, instead of waiting for more"

    def serve(self, stop: Stop, *, once: bool, **options: Any) -> dict[str, Any]:
        if not settings.ARCHIVE_QUEUE:
            raise Refusal(
                "ARCHIVE_QUEUE is not set. Without it, the workers do the archives, and this"
                " command is not needed."
            )
        received = tasks.consume_archive_queue(stop=stop, once=once)
        return {
            "messages": received.messages,
            "unreadable": received.unreadable,
            "archives": received.done,
        }
