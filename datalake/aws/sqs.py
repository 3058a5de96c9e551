"""A queue of Amazon SQS: the only door to it. What is not deleted after it was received comes
again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

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
        self.url, self._endpoint = url, endpoint
        self._translated = partial(
            translated, QueueUnreachable, f"The queue {url} does not answer as it should"
        )

    @cached_property
    def client(self) -> Any:
        """Made when it is first asked: without a region, there is none."""
        return boto3.client(
            "sqs",
            region_name=region_of(self.url) or None,
            endpoint_url=self._endpoint or None,
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


def region_of(url: str) -> str:
    """The region that a queue's URL names, else the one that boto3 finds in the environment and its
    files; empty where neither does.
    """
    named = _REGION.match(url)
    return named[1] if named else boto3.Session().region_name or ""
