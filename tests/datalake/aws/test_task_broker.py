"""Tasks on SQS: queues that were made before, and nothing waited for long. [O-6]"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from django_q.conf import Conf

from datalake.aws.task_broker import SqsBroker
from tests.support import cloud


@pytest.fixture
def sqs(settings, monkeypatch):
    monkeypatch.setattr(Conf, "SQS", {"receive_message_wait_time_seconds": 0})
    monkeypatch.setattr(Conf, "BROKER_CLASS", "datalake.aws.task_broker.SqsBroker")
    with cloud.running(settings, monkeypatch) as found:
        client = found.sqs
        client.create_queue(QueueName="fairwave")
        yield client


def test_o6_a_task_comes_back_until_it_is_acknowledged(sqs):
    broker = SqsBroker("fairwave")
    broker.enqueue("job 7")
    assert SqsBroker("fairwave").queue_size() == 1
    ((handle, task),) = broker.dequeue()
    assert task == "job 7"
    assert SqsBroker("fairwave").lock_size() == 1
    broker.acknowledge(handle)
    assert not broker.dequeue()
    left = SqsBroker("fairwave")
    assert (left.queue_size(), left.lock_size()) == (0, 0)


def test_o6_a_queue_that_is_missing_is_not_made(sqs):
    with pytest.raises(ClientError, match="NonExistentQueue"):
        SqsBroker("waves")
    assert len(sqs.list_queues()["QueueUrls"]) == 2  # the one for tasks, and that of events
