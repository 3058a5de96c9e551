"""The queues of tasks on Amazon SQS: `fairwave` and `waves`, named as the clusters of django-q2.
[O-6]

What django-q2 brings makes queues that are missing and waits for minutes where SQS does not answer.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django_q.brokers.aws_sqs import Sqs

from datalake.aws.clients import Patience

# a page that starts work waits no longer than this for each queue: the sweep enqueues again
PATIENCE = Patience(connect_seconds=3, read_seconds=10, tries=1)


class SqsBroker(Sqs):
    """Queues that were made before; credentials and region come as boto3 finds them."""

    def get_queue(self) -> Any:
        endpoint = settings.AWS_ENDPOINT_URL or None
        self.sqs = self.connection.resource("sqs", endpoint_url=endpoint, config=PATIENCE.config())
        return self.sqs.get_queue_by_name(QueueName=self.list_key)
