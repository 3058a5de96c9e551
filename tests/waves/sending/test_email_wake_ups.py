"""The e-mail queue on SQS only wakes: rows decide what is sent. Over real connections. [N-5, O-6]"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django_q.models import OrmQ

from datalake.aws.sqs import SqsQueue
from operations import jobs
from operations.choices import JobState
from operations.models import Job
from operations.services.queues import Received
from operations.subjects import Subject
from operations.tasks import run_job
from tests.support.sending import triggered_wave
from waves.choices import SendState
from waves.models import Send
from waves.sending import new_messages
from waves.sending import tasks as sending_tasks

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Queue:
    """EMAIL_QUEUE with its dead letters."""

    sqs: Any
    url: str
    dead: str

    def say(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def bodies(self, url: str = "") -> list[str]:
        """What can be received now, and then comes again at once."""
        asked = {"QueueUrl": url or self.url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        return [each["Body"] for each in self.sqs.receive_message(**asked).get("Messages", [])]


@pytest.fixture
def queue(aws, settings) -> Queue:
    made = {name: aws.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("emails", "dead")}
    asked = {"QueueUrl": made["dead"], "AttributeNames": ["QueueArn"]}
    arn = aws.sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    aws.sqs.set_queue_attributes(
        QueueUrl=made["emails"], Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"}
    )
    settings.EMAIL_QUEUE = made["emails"]
    return Queue(aws.sqs, made["emails"], made["dead"])


def queued_emails(number: int) -> None:
    new_messages.make_sends(triggered_wave(number, phones=0, emails=number))


def consume() -> Received:
    return sending_tasks.consume_email_queue(stop=threading.Event(), once=True)


def test_n5_e_mails_that_are_queued_are_announced_once_and_sent_by_who_hears_of_them(queue):
    queued_emails(3)
    sending_tasks.wake_emails()
    job = Job.objects.get()
    assert queue.bodies() == [json.dumps({"job": job.pk})]  # and no personal data
    assert OrmQ.objects.count() == 0
    assert consume() == Received(messages=1, done=1)
    assert (len(mail.outbox), Job.objects.get().state) == (3, JobState.DONE)
    assert consume() == Received()


def test_o6_a_message_is_sent_when_its_job_is_committed(queue):
    queued_emails(1)
    with transaction.atomic():
        sending_tasks.wake_emails()
        assert queue.bodies() == []
    assert len(queue.bodies()) == 1


def test_o6_messages_that_come_twice_or_late_change_nothing(queue):
    queued_emails(3)
    sending_tasks.wake_emails()
    [body] = queue.bodies()
    queue.say(body)
    assert consume() == Received(messages=2, done=1)
    queue.say(body)
    assert consume() == Received(messages=1, done=1)  # its job is done
    Job.objects.all().delete()
    queue.say(body)
    assert consume() == Received(messages=1)
    assert len(mail.outbox) == 3
    assert set(Send.objects.filter(channel="email").values_list("state", flat=True)) == {
        SendState.SENT
    }


def test_o6_the_job_of_a_message_that_was_lost_is_taken_by_any_worker(queue, settings):
    queued_emails(3)
    sending_tasks.wake_emails()
    queue.sqs.purge_queue(QueueUrl=queue.url)
    run_job(Job.objects.get().pk)  # as the sweep has it
    assert len(mail.outbox) == 3


def test_o6_a_job_that_is_being_done_is_not_announced_again(queue):
    queued_emails(3)
    job = jobs.open_job(sending_tasks.EMAIL_KIND, sending_tasks.EMAIL_QUEUE)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    sending_tasks.wake_emails()
    assert queue.bodies() == []


def test_n5_what_is_no_wake_up_ends_among_the_dead_letters_and_holds_up_no_other(queue):
    queued_emails(3)
    other = jobs.open_job(sending_tasks.SEND_KIND, Subject("wave", "another"))
    bad = ["hello", "[]", '{"job": "1"}', json.dumps({"job": 2**70}), json.dumps({"job": other.pk})]
    for body in bad:
        queue.say(body)
    sending_tasks.wake_emails()
    received = consume()  # they come again at once, and a third time to the dead letters
    assert (received.unreadable, received.done, len(mail.outbox)) == (2 * len(bad), 1, 3)
    consume()
    assert queue.bodies() == []
    assert sorted(queue.bodies(queue.dead)) == sorted(bad)
    assert Job.objects.get(pk=other.pk).state == JobState.QUEUED


def test_n5_where_sqs_cannot_be_reached_a_worker_is_woken(queue, settings, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    settings.EMAIL_QUEUE = settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9/queue"
    queued_emails(1)
    sending_tasks.wake_emails()
    assert OrmQ.objects.count() == 2  # reserved workers and the others


def test_n5_a_queue_without_a_region_keeps_nothing_from_the_workers(
    settings, monkeypatch, tmp_path
):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    settings.EMAIL_QUEUE = "https://queues.example/123456789012/emails"
    queued_emails(1)
    sending_tasks.wake_emails()
    assert OrmQ.objects.count() == 2


def test_n5_the_command_sends_what_is_announced_and_needs_a_queue(queue, settings, capsys):
    queued_emails(2)
    sending_tasks.wake_emails()
    call_command("consume_email_queue", "--once", "--json")
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["messages"], result["unreadable"], result["jobs"]) == (1, 0, 1)
    assert len(mail.outbox) == 2
    settings.EMAIL_QUEUE = ""
    with pytest.raises(SystemExit):
        call_command("consume_email_queue", "--once", "--json")
    assert "EMAIL_QUEUE is not set" in capsys.readouterr().out


def test_s1_what_is_put_into_a_queue_comes_out(queue, settings):
    sqs = SqsQueue(queue.url, endpoint=settings.AWS_ENDPOINT_URL)
    sqs.send("hello")
    assert [message.body for message in sqs.receive(wait_seconds=0)] == ["hello"]
