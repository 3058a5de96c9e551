"""The consumer that hands a queue's messages over to SQS. [T-4]"""

from __future__ import annotations

import pytest

from datalake import queues
from datalake.errors import ConsumerFailed
from datalake.queues import Outgoing, handing_over
from datalake.streams import consumers

pytestmark = pytest.mark.django_db


def consume() -> dict[str, int]:
    return consumers.consume(["verdict-queue"], once=True)["verdict-queue"]


def test_t4_the_consumer_hands_over_all_that_waits_and_says_how_much_is_left(
    aws, settings, monkeypatch
):
    monkeypatch.setattr(handing_over, "MESSAGES_PER_BATCH", 1)
    settings.VERDICT_QUEUE = aws.sqs.create_queue(QueueName="verdicts")["QueueUrl"]
    queues.put("verdict", [Outgoing(str(n), {}) for n in range(50)])
    there, settings.AWS_ENDPOINT_URL = settings.AWS_ENDPOINT_URL, "http://127.0.0.1:9"
    with pytest.raises(ConsumerFailed, match="verdict-queue, queue verdict: The queue"):
        consume()
    assert handing_over.to_hand_over("verdict") == 50
    settings.AWS_ENDPOINT_URL = there
    assert consume() == {"in": 50, "out": 50, "rejected": 0, "duplicates": 0, "lag": 0}


def test_t4_nothing_is_handed_over_where_the_queue_is_in_the_database():
    queues.put("verdict", [Outgoing("a", {})])
    assert consume() == {"in": 0, "out": 0, "rejected": 0, "duplicates": 0, "lag": 0}
    assert queues.waiting("verdict") == 1
