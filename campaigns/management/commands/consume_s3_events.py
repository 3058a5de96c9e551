"""`consume_s3_events [--once]`: takes up what the queue S3_EVENTS_QUEUE says of new objects in the
scoring bucket. [S-1]
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from campaigns import rights, tasks
from datalake.aws.sqs import SqsQueue
from operations.commands import ServiceCommand
from operations.errors import Refusal
from operations.services.heartbeats import Stop


class Command(ServiceCommand):
    help = (
        "Process score files, rank files and lists as soon as S3 reports them. Ends on"
        " SIGTERM or SIGINT."
    )
    permissions = rights.TAKE_ARRIVALS

    service = "S3 events"
    until_once = "end when the queue is empty, instead of waiting for more"

    def serve(self, stop: Stop, *, once: bool, **options: Any) -> dict[str, Any]:
        if not settings.S3_EVENTS_QUEUE:
            raise Refusal(
                "S3_EVENTS_QUEUE is not set. Without it, the scheduler finds new files within"
                " a minute, and this command is not needed."
            )
        queue = SqsQueue(settings.S3_EVENTS_QUEUE, endpoint=settings.AWS_ENDPOINT_URL)
        received = tasks.consume_s3_events(queue, stop=stop, once=once)
        return {
            "messages": received.messages,
            "unknown": received.unreadable,
            "jobs": received.done,
        }
