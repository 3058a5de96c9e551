"""Messages that wait in the database are handed over to SQS, over real connections. [T-4]"""

from __future__ import annotations

import json

import boto3
import pytest

from datalake import queues
from datalake.aws.sqs import NotTaken, SqsQueue
from datalake.errors import QueueUnreachable
from datalake.models import DeadLetter, QueueMessage
from datalake.queues import Outgoing, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def verdicts(aws, settings):
    """VERDICT_QUEUE, whose messages come again at once."""
    made = aws.sqs.create_queue(QueueName="verdicts", Attributes={"VisibilityTimeout": "0"})
    settings.VERDICT_QUEUE = made["QueueUrl"]
    return aws.sqs


def put(*ids: str, group: str = "") -> None:
    queues.put("verdict", [Outgoing(each, {"fan": each}, group) for each in ids])


def sent(sqs, url: str) -> list[tuple[str, str]]:
    """Id and body of each message in the queue, which is emptied."""
    found = []
    while got := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["id"]
    ).get("Messages"):
        found += [(m["MessageAttributes"]["id"]["StringValue"], m["Body"]) for m in got]
        for each in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return sorted(found)


def test_t4_what_waits_is_sent_under_its_id_and_settled(verdicts, settings):
    put(*(f"{n:02d}" for n in range(12)))
    assert queues.hand_over("verdict", limit=11) == (11, 0)
    assert queues.waiting("verdict") == 1
    assert queues.hand_over("verdict", limit=11) == (1, 0)
    assert queues.hand_over("verdict", limit=11) is None
    assert sent(verdicts, settings.VERDICT_QUEUE) == [
        (f"{n:02d}", json.dumps({"fan": f"{n:02d}"}, separators=(",", ":"))) for n in range(12)
    ]


def test_t4_a_sender_that_dies_behind_a_send_sends_the_same_messages_again(
    verdicts, settings, monkeypatch
):
    """On a FIFO queue they stay one, because their ids are the deduplication ids."""
    fifo = {"FifoQueue": "true", "VisibilityTimeout": "0"}
    settings.VERDICT_QUEUE = verdicts.create_queue(QueueName="verdicts.fifo", Attributes=fifo)[
        "QueueUrl"
    ]
    put("a", "b", group="fan")
    with monkeypatch.context() as patched:
        patched.setattr(rows, "settle", dies)
        with pytest.raises(KeyboardInterrupt):
            queues.hand_over("verdict", limit=10)
    assert queues.waiting("verdict") == 2
    assert queues.hand_over("verdict", limit=10) == (2, 0)
    assert [each for each, _ in sent(verdicts, settings.VERDICT_QUEUE)] == ["a", "b"]


def dies(*arguments):
    raise KeyboardInterrupt


def test_t4_what_sqs_does_not_take_now_waits_and_what_it_never_takes_is_a_dead_letter(
    verdicts, settings, monkeypatch
):
    real = SqsQueue.send_all

    def picky(queue, entries):
        refused = {
            number: NotTaken(f"{entry.key}: no", is_for_good=entry.key == "never")
            for number, entry in enumerate(entries)
            if entry.key in ("never", "later")
        }
        real(queue, [each for number, each in enumerate(entries) if number not in refused])
        return refused

    put("never", "fine", "later")
    with monkeypatch.context() as patched:
        patched.setattr(SqsQueue, "send_all", picky)
        with pytest.raises(QueueUnreachable, match="later: no"):
            queues.hand_over("verdict", limit=10)
    assert DeadLetter.objects.get().error == "never: no"
    assert [each.key for each in rows.waiting("verdict")] == ["later"]
    assert queues.hand_over("verdict", limit=10) == (1, 0)
    assert [each for each, _ in sent(verdicts, settings.VERDICT_QUEUE)] == ["fine", "later"]


def test_t4_sqs_being_down_changes_nothing_and_the_messages_are_sent_later(verdicts, settings):
    put("a")
    there, settings.AWS_ENDPOINT_URL = settings.AWS_ENDPOINT_URL, "http://127.0.0.1:9"
    with pytest.raises(QueueUnreachable):
        queues.hand_over("verdict", limit=10)
    assert queues.waiting("verdict") == 1
    settings.AWS_ENDPOINT_URL = there
    assert queues.hand_over("verdict", limit=10) == (1, 0)


def test_t4_what_is_received_comes_twice_until_it_is_acknowledged(verdicts, settings):
    put("a")
    queues.hand_over("verdict", limit=10)
    [first] = queues.receive("verdict")
    [again] = queues.receive("verdict")
    assert (first.id, again.id, again.receives) == ("a", "a", 2)
    queues.refuse("verdict", again, "it cannot be read")  # left to the queue's redrive policy
    assert len(queues.receive("verdict")) == 1
    assert queues.acknowledge("verdict", again)
    assert queues.receive("verdict") == []
    assert QueueMessage.objects.get().state == "done"


def test_t4_a_process_has_one_connection_to_a_queue(verdicts, settings, monkeypatch):
    made, real = [], boto3.client
    monkeypatch.setattr(boto3, "client", lambda *of, **how: made.append(of) or real(*of, **how))
    put(*(f"{n:02d}" for n in range(11)))
    assert queues.hand_over("verdict", limit=11) == (11, 0)
    assert len(queues.receive("verdict")) == 10
    assert len(made) <= 1  # none where an earlier test has asked this queue
