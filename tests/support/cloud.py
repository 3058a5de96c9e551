"""Amazon's services as one small server on this machine, spoken to over real connections.

A client takes a hundredth of a second to make, and a request half of that: tests share clients, and
what a test begins with is made inside the server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3
import pytest
from django.core.files.storage import storages
from moto.moto_api._internal import moto_api_backend
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends
from pytest_django.fixtures import Settings

BUCKET, PREFIX = "scoring-files", "presale"
DEMAND_TABLE = "demand"
ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass
class Cloud:
    """The server's address, and its clients."""

    address: str
    queue: str

    @cached_property
    def s3(self) -> Any:
        return client("s3", self.address)

    @cached_property
    def sqs(self) -> Any:
        return client("sqs", self.address)

    def put(self, key: str, content: bytes) -> None:
        """As another service does it: by the bucket's own name for the object."""
        self.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{key}", Body=content)

    def say(self, body: object) -> None:
        self.sqs.send_message(
            QueueUrl=self.queue, MessageBody=body if isinstance(body, str) else json.dumps(body)
        )

    def left(self) -> int:
        """Messages in the queue, also those that somebody has received and not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)[
            "Attributes"
        ]
        return sum(int(answer[name]) for name in names)


@contextmanager
def running(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The scoring bucket on S3, and a queue to which it reports new objects."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "client", cache(boto3.client))  # for ours, until the test ends
    moto_api_backend.reset()  # what an earlier test left
    yield _set_up(settings, address())


@cache
def address() -> str:
    """Where the server listens, which runs from now on until this process ends."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return f"http://127.0.0.1:{server.get_host_and_port()[1]}"


@cache
def client(service: str, address: str) -> Any:
    """One for all tests of this process."""
    return boto3.client(service, endpoint_url=address)


def _set_up(settings: Settings, address: str) -> Cloud:
    s3_backends[ACCOUNT]["aws"].create_bucket(BUCKET, REGION)
    sqs_backends[ACCOUNT][REGION].create_queue("s3-events")
    queue = f"{address}/{ACCOUNT}/s3-events"
    options = {
        "bucket_name": BUCKET,
        "location": PREFIX,
        "endpoint_url": address,
        "signature_version": "s3v4",
    }
    settings.STORAGES = settings.STORAGES | {
        "scoring": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    }
    storages._storages = {}
    storages.__dict__.pop("backends", None)
    settings.AWS_ENDPOINT_URL, settings.S3_EVENTS_QUEUE = address, queue
    return Cloud(address, queue)


def notify_queue(cloud: Cloud) -> None:
    """From now on the bucket reports every new object to the queue. The test event that S3 sends
    then is removed.
    """
    arn = cloud.sqs.get_queue_attributes(QueueUrl=cloud.queue, AttributeNames=["QueueArn"])[
        "Attributes"
    ]["QueueArn"]
    answer = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    cloud.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=answer)
    cloud.sqs.purge_queue(QueueUrl=cloud.queue)


def make_table(aws: Cloud) -> Any:
    """A client of the table, which is empty."""
    table = client("dynamodb", aws.address)
    table.create_table(
        TableName=DEMAND_TABLE,
        KeySchema=[{"AttributeName": "globalUserId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "globalUserId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return table


def use_table(aws: Cloud, settings: Settings) -> Any:
    """The same, named by DEMAND_TABLE."""
    settings.DEMAND_TABLE = DEMAND_TABLE
    return make_table(aws)


def events_in(table: Any) -> dict[str, list[str]]:
    """Fan → selected events."""
    items = table.scan(TableName=DEMAND_TABLE)["Items"]
    return {
        item["globalUserId"]["S"]: sorted(item.get("selected_events", {}).get("SS", []))
        for item in items
    }
