"""A queue of Amazon SQS: the only door to it. What is not deleted after it was received comes
again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from datalake.aws.clients import Patience, client, default_region
from datalake.aws.errors import translated
from datalake.errors import QueueUnreachable

MOST_AT_ONCE = 10  # SQS gives no more
PATIENCE = Patience(connect_seconds=3, read_seconds=15)  # longer than any wait for a message
_KEY = "id"  # the attribute in which a message carries its sender's name for it
_REGION = re.compile(r"https?://sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/")


@dataclass(frozen=True)
class Message:
    """A message and the handle it is deleted by; `key` is what its sender calls it, empty where the
    sender did not say, and `receives` counts how often it came.
    """

    id: str
    body: str
    handle: str
    key: str = ""
    receives: int = 1


@dataclass(frozen=True)
class Entry:
    """A message to send under the name that it keeps; on a FIFO queue those of one group keep their
    order.
    """

    key: str
    body: str
    group: str = ""


@dataclass(frozen=True)
class NotTaken:
    """Why SQS did not take an entry, and whether it never will."""

    error: str
    is_for_good: bool


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
        return client("sqs", PATIENCE, endpoint=self._endpoint, region=region_of(self.url))

    def receive(self, *, wait_seconds: int) -> list[Message]:
        """Up to ten messages; waits so long for the first. Raises QueueUnreachable."""
        with self._translated():
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=MOST_AT_ONCE,
                WaitTimeSeconds=wait_seconds,
                AttributeNames=["ApproximateReceiveCount"],
                MessageAttributeNames=[_KEY],
            )
        return [_message(each) for each in answer.get("Messages", [])]

    def send(self, body: str) -> None:
        """Put a message into the queue. Raises QueueUnreachable."""
        with self._translated():
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def send_all(self, entries: Sequence[Entry]) -> dict[int, NotTaken]:
        """Put up to ten messages into the queue: which of them were not taken, by their numbers.

        The key goes along, and on a FIFO queue it is the deduplication id: sent again within five
        minutes, a message stays one. Raises QueueUnreachable; some may have been taken then.
        """
        is_fifo = self.url.endswith(".fifo")
        with self._translated():
            answer = self.client.send_message_batch(
                QueueUrl=self.url,
                Entries=[_entry(n, each, is_fifo=is_fifo) for n, each in enumerate(entries)],
            )
        return {
            int(each["Id"]): NotTaken(
                f"{each['Code']}: {each.get('Message', '')}".rstrip(": "), each["SenderFault"]
            )
            for each in answer.get("Failed", [])
        }

    def delete(self, message: Message) -> None:
        """The message is done with. Raises QueueUnreachable; the message then comes again."""
        with self._translated():
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message.handle)


def _message(received: Mapping[str, Any]) -> Message:
    return Message(
        received["MessageId"],
        received["Body"],
        received["ReceiptHandle"],
        received.get("MessageAttributes", {}).get(_KEY, {}).get("StringValue", ""),
        int(received.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
    )


def _entry(number: int, entry: Entry, *, is_fifo: bool) -> dict[str, Any]:
    in_order = {
        "MessageGroupId": entry.group or entry.key,
        "MessageDeduplicationId": entry.key,
    }
    return {
        "Id": str(number),
        "MessageBody": entry.body,
        "MessageAttributes": {_KEY: {"DataType": "String", "StringValue": entry.key}},
    } | (in_order if is_fifo else {})


def region_of(url: str) -> str:
    """The region that a queue's URL names, else the one that boto3 finds in the environment and its
    files; empty where neither does.
    """
    named = _REGION.match(url)
    return named[1] if named else default_region()
