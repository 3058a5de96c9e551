"""Messages about new objects become jobs, over real connections to a queue and a bucket. [S-1]"""

from __future__ import annotations

import json
import threading

import pytest
from django.core.management import call_command
from django.db import OperationalError

from campaigns import tasks
from campaigns.errors import UnknownEvent
from campaigns.intake import arrivals, s3_queue
from campaigns.models import Arrival, ScoreFile
from datalake.aws.sqs import SqsQueue
from datalake.errors import BadKey, QueueUnreachable
from operations.choices import JobState
from operations.models import Alert, Job
from operations.services.queues import Received
from tests.support import cloud
from tests.support.campaigns import make_campaign, score_file_bytes, score_row

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = score_file_bytes([score_row(1), score_row(2)])


def consume(aws: cloud.Cloud) -> Received:
    queue = SqsQueue(aws.queue, endpoint=aws.address)
    return tasks.consume_s3_events(queue, stop=threading.Event(), once=True)


def test_s1_an_object_that_s3_announces_is_taken_in_at_once(aws):
    campaign = make_campaign()
    cloud.notify_queue(aws)
    aws.put(f"scored/{campaign.campaign_id}.2026+1.txt", CONTENT)
    assert consume(aws).done == 1
    assert aws.left() == 0
    job = Job.objects.get()
    score_file = arrivals.take(job.pk)
    assert score_file is not None
    assert (score_file.campaign, score_file.timestamp, score_file.bytes) == (
        campaign,
        "2026+1",
        len(CONTENT),
    )


def test_s1_what_the_check_of_each_minute_found_is_not_taken_in_again_when_its_message_comes(
    aws, monkeypatch
):
    campaign = make_campaign()
    cloud.notify_queue(aws)
    aws.put(f"scored/{campaign.campaign_id}.1.txt", CONTENT)
    monkeypatch.setattr(arrivals, "STEADY_SECONDS", -5.0)  # S3's clock counts whole seconds
    assert len(arrivals.look()) == 1
    assert consume(aws).done == 0
    assert (aws.left(), Job.objects.count()) == (0, 1)


def test_s1_our_own_files_are_no_arrivals_and_a_taken_one_is_taken_once(aws, monkeypatch):
    campaign = make_campaign()
    cloud.notify_queue(aws)
    aws.put(f"scored/{campaign.campaign_id}.1.txt", CONTENT)
    consume(aws)
    taken = arrivals.take(Job.objects.get().pk)
    monkeypatch.setattr(arrivals, "STEADY_SECONDS", -5.0)
    assert consume(aws).done == 0  # we put the file in its place ourselves, and S3 says so
    assert arrivals.look() == []
    assert list(ScoreFile.objects.all()) == [taken]


def test_s1_objects_of_other_buckets_and_prefixes_and_those_that_are_gone_are_passed_over(aws):
    make_campaign("tour")
    event = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    names = [
        ("other", "presale/scored/tour.1.txt"),
        (cloud.BUCKET, "scored/tour.1.txt"),
        (cloud.BUCKET, "presale/scored/tour.1.txt"),
    ]
    aws.say(
        {
            "Records": [
                event | {"s3": {"bucket": {"name": b}, "object": {"key": key}}} for b, key in names
            ]
        }
    )
    aws.say({"Event": "s3:TestEvent"})
    received = consume(aws)
    assert (received.messages, received.unreadable, received.done, aws.left()) == (2, 0, 0, 0)


def test_s1_a_message_that_nobody_understands_alerts_leaves_the_queue_and_holds_up_no_other(aws):
    campaign = make_campaign()
    cloud.notify_queue(aws)
    aws.say("please ring maria@mail.example")
    aws.put(f"scored/{campaign.campaign_id}.1.txt", CONTENT)
    received = consume(aws)
    # S3 also tells of the copy that is kept
    assert (received.messages, received.unreadable, aws.left()) == (3, 1, 0)
    aside = Job.objects.get(kind=s3_queue.JOB_KIND)
    with pytest.raises(UnknownEvent):
        s3_queue.read_again(aside.pk)
    (alert,) = Alert.objects.all()
    assert aside.works_on in alert.text
    assert "maria" not in alert.text
    kept = aws.s3.get_object(Bucket=cloud.BUCKET, Key=f"presale/s3-events/{aside.subject_id}.json")
    assert kept["Body"].read() == b"please ring maria@mail.example"


def test_t1_a_message_nested_too_deeply_to_be_read_is_set_aside_at_once(aws):
    aws.say("[" * 100_000)
    received = consume(aws)
    assert (received.messages, received.unreadable, aws.left()) == (1, 1, 0)
    with pytest.raises(UnknownEvent):
        s3_queue.read_again(Job.objects.get().pk)


def test_t1_whatever_one_message_makes_us_raise_ends_no_other(aws, monkeypatch):
    """What is a fault is set aside; what is away stays in the queue; the third is taken up."""
    take_up = s3_queue._take_up

    def raising(body):
        if body == "fault":
            raise ZeroDivisionError("a fault of ours")
        if body == "away":
            raise OSError("503 Slow Down")
        return take_up(body)

    monkeypatch.setattr(s3_queue, "_take_up", raising)
    for body in ("fault", "away", {"Event": "s3:TestEvent"}):
        aws.say(body)
    with pytest.raises(OSError, match="503"):
        consume(aws)
    assert aws.left() == 1
    assert Job.objects.get().kind == s3_queue.JOB_KIND


@pytest.mark.parametrize("name", ["top\\fans.csv", "top\nfans.csv"])
def test_s1_a_message_of_an_object_that_we_cannot_name_holds_up_no_other(aws, name):
    """Others may call an object what no bucket of ours can; its message must not come again and
    again.
    """
    campaign = make_campaign()
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    record["s3"] = {
        "bucket": {"name": cloud.BUCKET},
        "object": {"key": f"presale/fanlist/uploaded/club/{name}"},
    }
    cloud.notify_queue(aws)
    aws.say({"Records": [record]})
    aws.put(f"scored/{campaign.campaign_id}.1.txt", CONTENT)
    received = consume(aws)
    assert (received.unreadable, aws.left()) == (1, 0)
    assert Job.objects.filter(kind=arrivals.JOB_KIND).count() == 1
    with pytest.raises(BadKey):
        s3_queue.read_again(Job.objects.get(kind=s3_queue.JOB_KIND).pk)
    assert "object key" in Alert.objects.get().text


def test_s1_a_message_that_was_set_aside_is_read_again_when_it_can_be(aws):
    campaign = make_campaign()
    key = f"scored/{campaign.campaign_id}.1.txt"
    aws.put(key, CONTENT)
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    record["s3"] = {"bucket": {"name": cloud.BUCKET}, "object": {"key": f"presale/{key}"}}
    aws.put("s3-events/message-1.json", json.dumps({"Records": [record]}).encode())
    job = Job.objects.create(
        kind=s3_queue.JOB_KIND, subject_kind="s3_message", subject_id="message-1"
    )
    assert [one.kind for one in s3_queue.read_again(job.pk)] == [arrivals.JOB_KIND]
    assert Job.objects.get(pk=job.pk).state == JobState.DONE


def test_s1_a_message_stays_in_the_queue_until_its_job_is_committed(aws, monkeypatch):
    campaign = make_campaign()
    cloud.notify_queue(aws)
    aws.put(f"scored/{campaign.campaign_id}.1.txt", CONTENT)

    def lost(*values, **more):
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patched:
        patched.setattr(arrivals.jobs, "open_job", lost)
        with pytest.raises(OperationalError):
            consume(aws)
    assert aws.left() == 1
    assert not Arrival.objects.exists()


def test_s1_a_message_that_comes_again_because_it_could_not_be_deleted_is_one_job(aws, monkeypatch):
    campaign = make_campaign()
    cloud.notify_queue(aws)
    aws.sqs.set_queue_attributes(QueueUrl=aws.queue, Attributes={"VisibilityTimeout": "0"})
    aws.put(f"scored/{campaign.campaign_id}.1.txt", CONTENT)

    def lost(queue, message):
        raise QueueUnreachable("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(SqsQueue, "delete", lost)
        with pytest.raises(QueueUnreachable):
            consume(aws)
    assert (aws.left(), Job.objects.count()) == (1, 1)
    assert consume(aws).messages == 1
    assert (aws.left(), Job.objects.count()) == (0, 1)


def test_s1_the_command_takes_up_what_is_there_and_needs_a_queue(aws, settings, capsys):
    campaign = make_campaign()
    cloud.notify_queue(aws)
    aws.put(f"scored/{campaign.campaign_id}.1.txt", CONTENT)
    call_command("consume_s3_events", "--once", "--json")
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["messages"], result["unknown"], result["jobs"]) == (1, 0, 1)
    settings.S3_EVENTS_QUEUE = ""
    with pytest.raises(SystemExit):
        call_command("consume_s3_events", "--once", "--json")
    assert (
        "S3_EVENTS_QUEUE is not set"
        in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
    )
