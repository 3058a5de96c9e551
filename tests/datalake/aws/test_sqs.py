"""A queue of SQS: what was received and not deleted comes again. [S-1]"""

from __future__ import annotations

from functools import partial

import boto3
import pytest
from moto import mock_aws

from datalake.aws.sqs import MOST_AT_ONCE, SqsQueue
from datalake.errors import QueueUnreachable


@pytest.fixture
def client(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield boto3.client("sqs")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A machine whose region boto3 does not find."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture
def queue(client):
    attributes = {"VisibilityTimeout": "0"}
    return SqsQueue(client.create_queue(QueueName="events", Attributes=attributes)["QueueUrl"])


def test_s1_a_message_comes_again_until_it_is_deleted(client, queue):
    client.send_message(QueueUrl=queue.url, MessageBody="created")
    (first,) = queue.receive(wait_seconds=0)
    (again,) = queue.receive(wait_seconds=0)
    assert (first.body, again.id) == ("created", first.id)
    queue.delete(again)
    assert queue.receive(wait_seconds=0) == []


def test_s1_at_most_ten_messages_come_at_once(client, queue):
    for number in range(MOST_AT_ONCE + 1):
        client.send_message(QueueUrl=queue.url, MessageBody=str(number))
    assert len(queue.receive(wait_seconds=0)) == MOST_AT_ONCE


def test_s1_the_region_is_that_of_the_queues_address(client):
    queue = SqsQueue("https://sqs.us-west-2.amazonaws.com/123456789012/events")
    assert queue.client.meta.region_name == "us-west-2"
    assert SqsQueue("http://127.0.0.1:5000/events").client.meta.region_name == "eu-west-1"


def test_s1_a_queue_that_is_not_there_is_named_in_the_error(client):
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/absent"
    queue = SqsQueue(url)
    with pytest.raises(QueueUnreachable, match=url):
        queue.receive(wait_seconds=0)


def test_s1_a_queue_without_a_region_is_one_that_cannot_be_reached(nowhere):
    queue = SqsQueue("https://queues.example/123456789012/events")
    for use in (partial(queue.send, "hello"), partial(queue.receive, wait_seconds=0)):
        with pytest.raises(QueueUnreachable, match="You must specify a region"):
            use()
