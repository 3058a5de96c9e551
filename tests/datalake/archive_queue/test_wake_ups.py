"""The queue of archives on SQS, over real connections. [L-5]"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import transaction

from datalake import queues, tasks
from datalake.errors import QueueUnreachable
from datalake.merging import merge
from datalake.models import LakeFile, Merge
from datalake.streams import consumers
from operations.models import Job
from operations.services.queues import Received
from tests.datalake.lake_cases import DAY, save_loose

pytestmark = pytest.mark.django_db


@pytest.fixture
def say(aws, settings) -> Callable[[str], None]:
    """ARCHIVE_QUEUE, whose messages come again at once, and at the third time are dead letters."""
    made = {name: aws.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("archive", "dead")}
    asked = {"QueueUrl": made["dead"], "AttributeNames": ["QueueArn"]}
    arn = aws.sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    settings.ARCHIVE_QUEUE = made["archive"]
    given = {"RedrivePolicy": policy, "VisibilityTimeout": "0"}
    aws.sqs.set_queue_attributes(QueueUrl=settings.ARCHIVE_QUEUE, Attributes=given)
    return lambda body: aws.sqs.send_message(QueueUrl=settings.ARCHIVE_QUEUE, MessageBody=body)


def consume() -> Received:
    return tasks.consume_archive_queue(stop=threading.Event(), once=True)


def merged() -> Merge:
    save_loose(3, 2)
    done = merge.merge_period("scoring", DAY)
    consumers.consume(["archive-queue"], once=True)
    return done


def states() -> list[str]:
    return sorted(LakeFile.objects.values_list("state", flat=True))


def test_l5_a_merge_asks_by_a_message_and_who_takes_it_archives(say):
    assert merged().state == "merged"
    assert consume() == Received(messages=1, done=1)
    assert states() == ["archived", "archived", "merged"]
    assert Merge.objects.get().state == "archived"
    assert (consume(), Job.objects.count()) == (Received(), 1)


def test_l5_a_message_of_another_service_asks_for_the_same_and_repeats_change_nothing(say):
    merged()
    for _ in range(2):
        say('{"filePrefix": "avro/scoring/2026/01/20"}')
    assert consume() == Received(messages=3, done=1)
    say('{"filePrefix": "avro/scoring/2026/01/20/"}')
    assert consume() == Received(messages=1)
    assert (states(), Job.objects.count()) == (["archived", "archived", "merged"], 1)


def test_l5_what_names_no_merge_ends_among_the_dead_letters_and_holds_up_nothing(say, aws):
    bodies = {
        "no JSON",
        "[]",
        '{"filePrefix": 7}',
        '{"filePrefix": "avro/scoring/2026/13"}',
        '{"filePrefix": "avro/scoring/2026/01/19"}',
    }
    for body in bodies:
        say(body)
    merged()
    assert consume() == Received(messages=11, unreadable=10, left=10, done=1)
    consume()
    url = aws.sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    dead = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {each["Body"] for each in dead} == bodies


def test_l5_a_merge_that_is_rolled_back_asks_for_nothing(say):
    save_loose(3, 2)
    with transaction.atomic():
        merge.merge_period("scoring", DAY)
        transaction.set_rollback(True)
    assert queues.waiting("archive") == 0


def test_l5_an_archive_that_fails_is_a_failed_job_and_its_message_is_done_with(say, monkeypatch):
    """The job is tried again by the workers, as any other."""
    merged()
    monkeypatch.setattr("datalake.archive._copy", lambda file: (_ for _ in ()).throw(OSError("x")))
    with pytest.raises(OSError, match="x"):
        consume()
    assert Job.objects.get().retry_at is not None
    monkeypatch.undo()


def test_l5_without_a_queue_no_message_waits():
    save_loose(3, 2)
    merge.merge_period("scoring", DAY)
    assert queues.waiting("archive") == 0


def test_l5_the_command_says_what_it_took_and_needs_a_queue(say, settings, capsys):
    merged()
    call_command("consume_archive_queue", "--once", "--json")
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["messages"], said["archives"]) == (1, 1)
    settings.ARCHIVE_QUEUE = ""
    with pytest.raises(SystemExit):
        call_command("consume_archive_queue", "--once", "--json")
    assert "ARCHIVE_QUEUE is not set" in capsys.readouterr().out


def test_l5_a_queue_that_is_away_says_so(say, settings):
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:1"
    with pytest.raises(QueueUnreachable):
        consume()
