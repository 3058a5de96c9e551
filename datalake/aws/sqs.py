"""A queue of Amazon SQS: the only door to it. What is not deleted after it was received comes
again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import boto3
from botocore.config import Config

from datalake.aws.errors import translated
from datalake.errors import QueueUnreachable

MOST_AT_ONCE = 10  # SQS gives no more
CONNECT_SECONDS = 3
READ_SECONDS = 15  # longer than any wait for a message
_REGION = re.compile(r"https?://sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/")


@dataclass(frozen=True)
class Message:
    """A message and the handle it is deleted by."""

    id: str
    body: str
    handle: str


class SqsQueue:
    """The queue at a URL. Credentials and, for other endpoints than Amazon's, the region come as
    boto3 finds them.
    """

    def __init__(self, url: str, *, endpoint: str = "") -> None:
        region = _REGION.match(url)
        self.url = url
        self._translated = partial(
            translated, QueueUnreachable, f"The queue {url} does not answer as it should"
        )
        self.client = boto3.client(
            "sqs",
            region_name=region[1] if region else None,
            endpoint_url=endpoint or None,
            config=Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS),
        )

    def receive(self, *, wait_seconds: int) -> list[Message]:
        """Up to ten messages; waits so long for the first. Raises QueueUnreachable."""
        with self._translated():
            answer = self.client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=MOST_AT_ONCE, WaitTimeSeconds=wait_seconds
            )
        return [
            Message(each["MessageId"], each["Body"], each["ReceiptHandle"])
            for each in answer.get("Messages", [])
        ]

    def send(self, body: str) -> None:
        """Put a message into the queue. Raises QueueUnreachable."""
        with self._translated():
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def delete(self, message: Message) -> None:
        """The message is done with. Raises QueueUnreachable; the message then comes again."""
        with self._translated():
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message.handle)
