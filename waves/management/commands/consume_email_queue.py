"""`consume_email_queue [--once]`: sends e-mails when the queue EMAIL_QUEUE says that there are
some. [N-5]
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from operations.commands import ServiceCommand
from operations.errors import Refusal
from operations.services.heartbeats import Stop
from waves import rights
from waves.sending import tasks as sending_tasks


class Command(ServiceCommand):
    help = (
        "Send queued e-mails as soon as the SQS queue reports them. Ends on SIGTERM or SIGINT,"
        " after the e-mails that it is sending."
    )
    permissions = rights.SEND

    service = "E-mail queue"
    until_once = "end when the queue is empty, instead of waiting for more"

    def serve(self, stop: Stop, *, once: bool, **options: Any) -> dict[str, Any]:
        if not settings.EMAIL_QUEUE:
            raise Refusal(
                "EMAIL_QUEUE is not set. Without it, the workers send the e-mails, and this command"
                " is not needed."
            )
        received = sending_tasks.consume_email_queue(stop=stop, once=once)
        return {
            "messages": received.messages,
            "unreadable": received.unreadable,
            "jobs": received.done,
        }
