"""The consumer of a Kinesis stream, over real connections to moto's server (corrected in
tests/kinesis.py). [D-1, D-5]
"""

from __future__ import annotations

import json
import threading

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from datalake.aws.kinesis import KinesisStream
from datalake.errors import NoSuchPosition, UnknownStream
from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket
from demand.archiving import archive
from demand.errors import BatchTaken, StreamStuck
from demand.models import Batch, ErrorFile, Shard
from demand.sources import kinesis_stream, shards
from operations.services import troubles
from tests.demand.sources.stream_workers import alerts, once, opened
from tests.support import kinesis
from tests.support.demand_streams import change, changes, check_exactly_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_d1_what_was_there_before_the_first_look_is_passed_over_and_what_comes_after_is_archived_once(
    stream,
):
    stream.put(changes(5))
    stream.age(60)
    assert once(stream).events == 0
    stream.put(changes(25))
    consumed = once(stream, limit=10)
    assert (consumed.events, consumed.archived, dict(consumed.errors)) == (25, 25, {})
    assert once(stream).events == 0
    check_exactly_once(25)
    assert sorted(consumed.files) == list(buckets.campaign_data().list("demand/data/"))
    assert {each["s3"]["key"] for each in consumed.deliveries} == set(consumed.files)
    assert sorted(Batch.objects.values_list("events", flat=True)) == [5, 10, 10]


def test_d1_what_comes_between_the_first_look_and_the_first_record_that_is_claimed_is_never_lost(
    stream,
):
    """Each of these workers ends without having claimed anything: the instant of the first look is
    kept for the next.
    """
    for _ in range(3):
        once(stream)
    since = Shard.objects.get().since
    stream.put(changes(4))
    stream.age((timezone.now() - since).total_seconds() / 2)
    assert once(stream).archived == 4
    assert Shard.objects.get().since == since
    check_exactly_once(4)


def test_d1_batches_carry_the_shard_and_the_sequence_numbers_of_their_ends(stream):
    once(stream)
    stream.put(changes(7))
    once(stream)
    (shard,) = Shard.objects.all()
    (batch,) = Batch.objects.all()
    door = opened(stream)
    given = [record.sequence for record in door.read(door.from_start(shard.shard_id)).records]
    assert (batch.source, batch.first, batch.last) == (
        f"kinesis:demand/{shard.shard_id}",
        given[0],
        given[-1],
    )
    assert (shard.claimed, shard.ended, shard.behind_seconds) == (given[-1], False, 0)


def test_d1_a_place_that_expired_is_found_again(stream):
    rounds = kinesis_stream._Rounds(opened(stream), limit=10, once=True)
    stop = threading.Event()
    rounds.go(stop)
    stream.put(changes(15))
    rounds.go(stop)
    stream.expire()
    for _ in range(4):
        rounds.go(stop)
    assert rounds.consumed.archived == 15
    check_exactly_once(15)


def test_d1_reads_that_kinesis_refuses_for_their_number_are_made_later(stream):
    once(stream)
    stream.put(changes(8))
    stream.refuse(5)
    assert once(stream).archived == 8
    assert stream.refusals == 0


def test_d1_of_two_workers_that_read_the_same_records_one_archives_them_and_the_other_reads_on(
    stream,
):
    once(stream)
    stream.put(changes(20))
    (row,) = shards.readable(kinesis.STREAM)
    door = opened(stream)
    read = door.read(door.from_instant(row.shard_id, row.since), limit=15)
    mine = shards.take(row, read)
    assert shards.take(row, read) is None
    archive.archive(mine, [record.data for record in read.records])
    assert once(stream).archived == 5
    check_exactly_once(20)


def test_d5_a_worker_that_was_overtaken_counts_nothing_and_goes_on(stream, monkeypatch):
    once(stream)
    stream.put(changes(4))
    real, taken = archive.archive, []

    def overtaken(batch, *more, **less):
        if not taken:
            taken.append(real(Batch.objects.get(pk=batch.pk), *more, **less))
            raise BatchTaken("another was faster")
        return real(batch, *more, **less)

    monkeypatch.setattr(archive, "archive", overtaken)
    assert once(stream).events == 0
    check_exactly_once(4)


def test_d5_bad_events_are_in_error_files_and_the_others_are_archived(stream):
    once(stream)
    stream.put([b"no json", change(0), b"\xff\xfe", change(1), b"{}"])
    consumed = once(stream)
    assert (consumed.events, consumed.archived, sum(consumed.errors.values())) == (5, 2, 3)
    assert sorted(consumed.error_files) == sorted(ErrorFile.objects.values_list("key", flat=True))
    check_exactly_once(2, errors=3)


@pytest.mark.parametrize(
    "fault",
    [OSError("no space left on device"), OperationalError("the server closed the connection")],
)
def test_d5_a_bucket_or_a_database_that_is_away_for_a_while_is_waited_for(
    stream, monkeypatch, fault
):
    once(stream)
    stream.put(changes(12))
    real, failures = DiskBucket.put, []

    def shaky(self, key, content):
        if len(failures) < 3:
            failures.append(key)
            raise fault
        return real(self, key, content)

    monkeypatch.setattr(DiskBucket, "put", shaky)
    assert once(stream, limit=5).archived == 12
    assert len(failures) == 3
    check_exactly_once(12)


def test_d1_a_stream_that_is_away_for_a_while_is_waited_for(stream, monkeypatch):
    once(stream)
    stream.put(changes(3))
    away, real = opened(stream), KinesisStream.list_shards
    away.client = KinesisStream(kinesis.STREAM, endpoint="http://127.0.0.1:1").client
    tries = iter([away, away])
    monkeypatch.setattr(KinesisStream, "list_shards", lambda self: real(next(tries, self)))
    assert once(stream).archived == 3


def test_d5_a_run_that_should_end_waits_no_longer_than_its_patience_and_says_why(
    stream, monkeypatch
):
    once(stream)
    stream.put(changes(3))
    monkeypatch.setattr(kinesis_stream, "PATIENCE_SECONDS", 0.05)
    with monkeypatch.context() as down:
        down.setattr(
            DiskBucket,
            "put",
            lambda self, key, content: (_ for _ in ()).throw(OSError("no space left on device")),
        )
        with pytest.raises(StreamStuck, match="no space left on device"):
            once(stream)
    assert Batch.objects.get().state == "open"
    assert once(stream).archived == 3
    check_exactly_once(3)


def test_d1_a_service_waits_for_more_and_ends_between_batches_when_stopped(stream, monkeypatch):
    once(stream)
    monkeypatch.setattr(kinesis_stream, "REST_SECONDS", 0.02)
    stop, real, left = threading.Event(), archive.archive, [changes(4, 4), changes(4, 8)]
    stream.put(changes(4))

    def archive_and_go_on(*arguments, **more):
        done = real(*arguments, **more)
        if left:
            stream.put(left.pop(0))
        else:
            stop.set()
        return done

    monkeypatch.setattr(archive, "archive", archive_and_go_on)
    consumed = kinesis_stream.consume(opened(stream), stop=stop)
    assert consumed.archived == 12
    check_exactly_once(12)


def test_t1_a_batch_that_cannot_be_archived_ends_no_other_and_alerts_once(stream, monkeypatch):
    """[T-1, O-2] The service goes on; a run that ends says so at its end."""
    once(stream)
    monkeypatch.setattr(kinesis_stream, "REST_SECONDS", 0.0)
    monkeypatch.setattr(troubles, "FIRST_PAUSE", 0.0)
    stream.put(changes(9))
    stop, real, tries, others = threading.Event(), archive.archive, [], []

    def broken(batch, *arguments, **more):
        first = Batch.objects.order_by("pk").first()
        if batch.pk == first.pk:
            tries.append(batch.pk)
            if len(tries) >= 3 and len(others) == 2:
                stop.set()
            raise ZeroDivisionError("a fault of one batch")
        others.append(batch.pk)
        return real(batch, *arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(archive, "archive", broken)
        assert kinesis_stream.consume(opened(stream), stop=stop, limit=3).archived == 6
        with pytest.raises(ZeroDivisionError):
            once(stream, limit=3)
    assert alerts().count("ZeroDivisionError: a fault of one batch") == 1
    assert "Change events failed for stream" in alerts()
    assert once(stream).archived == 3
    check_exactly_once(9)


def test_o2_a_stream_that_stays_away_alerts(stream, monkeypatch):
    """[O-2]"""
    once(stream)
    monkeypatch.setattr(kinesis_stream, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(kinesis_stream, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(troubles, "ALERT_AFTER_SECONDS", 0.0)
    away = opened(stream)
    away.client = KinesisStream(kinesis.STREAM, endpoint="http://127.0.0.1:1").client
    with pytest.raises(StreamStuck):
        kinesis_stream.consume(away, stop=threading.Event(), once=True)
    assert alerts().startswith(":red_circle: Change events failed for stream")


def test_d1_a_service_that_is_stopped_while_something_is_away_ends(stream, monkeypatch):
    stop = threading.Event()

    def away(self):
        stop.set()
        raise OSError("cut off")

    monkeypatch.setattr(KinesisStream, "list_shards", away)
    monkeypatch.setattr(kinesis_stream, "FIRST_PAUSE", 60.0)
    assert kinesis_stream.consume(opened(stream), stop=stop).events == 0


def test_d1_a_position_that_kinesis_refuses_though_the_shard_is_there_ends_the_worker(stream):
    once(stream)
    stream.put(changes(2))
    once(stream)
    Shard.objects.update(claimed=str(10**60))
    with pytest.raises(NoSuchPosition, match="no such sequence number"):
        once(stream)


def test_d1_the_command_archives_what_is_there_and_says_what_came_of_it(stream, capsys):
    once(stream)
    stream.put([*changes(5), b"no json"])
    call_command(
        "consume_demand", "--stream", kinesis.STREAM, "--once", "--batch-size", "4", "--json"
    )
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["in"], result["archived"], result["errors"]) == (6, 5, {"not_json": 1})
    assert sorted(result["files"]) == list(buckets.campaign_data().list("demand/data/"))
    assert result["error_files"] == list(buckets.campaign_data().list("demand/errors/"))


def test_d1_the_command_names_a_stream_that_is_not_there(stream, capsys):
    with pytest.raises(SystemExit):
        call_command("consume_demand", "--stream", "other", "--once", "--json")
    assert (
        "There is no stream other" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
    )


def test_d1_a_stream_that_is_deleted_ends_the_worker(stream):
    once(stream)
    stream.client.delete_stream(StreamName=kinesis.STREAM)
    with pytest.raises(UnknownStream):
        once(stream)
