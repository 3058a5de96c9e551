"""A queue of SQS whose region nobody knows stops the start: nothing could be sent to it. [N-5,
T-4]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from datalake.aws.sqs import region_of

QUEUES: Final = ("EMAIL_QUEUE", "S3_EVENTS_QUEUE", "VERDICT_QUEUE", "ARCHIVE_QUEUE")


@register("fairwave")
def the_region_of_each_queue_is_known(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    return [
        Error(
            f"{setting}: its address names no region, and AWS_DEFAULT_REGION is not set.",
            hint="Use the queue's URL as SQS shows it (https://sqs.REGION.amazonaws.com/…), or set"
            " AWS_DEFAULT_REGION.",
            id="datalake.E001",
        )
        for setting in QUEUES
        if (url := getattr(settings, setting)) and not region_of(url)
    ]
