"""The consumer of a Kinesis stream, over real connections to moto's server (mended in
tests/support/kinesis.py). [D-1, D-5]
"""

from __future__ import annotations

import json
import threading

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from datalake.aws.kinesis import KinesisStream, Listing, StreamShard
from datalake.errors import NoSuchPosition, UnknownStream
from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket
from demand.archiving import archive
from demand.errors import BatchTaken, StreamStuck
from demand.models import Batch, ErrorFile, Shard
from demand.sources import kinesis_stream, recovery, shards
from demand.sources.kinesis_stream import Consumed
from operations.models import Alert
from tests.support import kinesis
from tests.support.demand_streams import archived, change, changes, check_exactly_once, references

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stream(settings, monkeypatch):
    monkeypatch.setattr(kinesis_stream, "FIRST_PAUSE", 0.01)
    with kinesis.running(settings, monkeypatch) as found:
        yield found


def opened(stream: kinesis.Stream) -> KinesisStream:
    return KinesisStream(kinesis.STREAM, endpoint=stream.address)


def once(stream: kinesis.Stream, *, limit: int = 1_000) -> Consumed:
    """A worker that has just begun, until the stream is read to its end."""
    return kinesis_stream.consume(opened(stream), stop=threading.Event(), once=True, limit=limit)


def alerts() -> str:
    return "\n".join(Alert.objects.values_list("text", flat=True))


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


def test_d1_after_a_split_and_a_merge_every_record_is_archived_once_children_after_their_parents(
    stream, monkeypatch
):
    once(stream)
    parent = stream.shards()[0]
    stream.put(changes(10))
    stream.split(parent)
    stream.put(changes(10, 10))
    low, high = stream.shards()[1:]
    stream.merge(low, high)
    stream.put(changes(10, 20), low=True)
    merged = stream.shards()[-1]
    order = []
    real = shards.take
    monkeypatch.setattr(
        shards, "take", lambda shard, read: (order.append(shard.shard_id), real(shard, read))[1]
    )
    assert once(stream, limit=4).archived == 30
    check_exactly_once(30)
    assert (order[:3], set(order[3:-3]), order[-3:]) == ([parent] * 3, {low, high}, [merged] * 3)
    assert dict(Shard.objects.values_list("shard_id", "ended")) == {
        parent: True,
        low: True,
        high: True,
        merged: False,
    }


def test_d1_shards_that_are_made_while_nobody_looks_are_read_from_their_first_record(stream):
    once(stream)
    stream.split(stream.shards()[0])
    stream.put(changes(12))
    stream.age(3_600)
    assert once(stream).archived == 12
    assert list(Shard.objects.order_by("shard_id").values_list("since", flat=True))[1:] == [
        None,
        None,
    ]
    check_exactly_once(12)


def test_d1_two_first_looks_with_a_split_between_them_agree_on_one_instant():
    """Who comes second must not begin the new shards at their own, later instant."""
    first, second = timezone.now(), timezone.now() + timezone.timedelta(minutes=1)
    one, two = StreamShard("s1", "1"), StreamShard("s2", "9", ("s1",))
    shards.enter("demand", Listing((one,), first))
    shards.enter("demand", Listing((one, two), second))
    assert dict(Shard.objects.values_list("shard_id", "since")) == {"s1": first, "s2": None}
    assert [shard.shard_id for shard in shards.readable("demand")] == ["s1"]


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


def test_d1_a_batch_that_another_worker_is_at_is_left_to_it(stream):
    """An advisory lock is the session's, so the other worker is a thread with a connection of its
    own.
    """
    once(stream)
    stream.put(changes(6))
    batch = claimed(stream)
    held, done = threading.Event(), threading.Event()

    def other():
        with recovery.alone_at(batch.source, batch.first) as alone:
            assert alone
            held.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    held.wait(30)
    assert once(stream).events == 0
    done.set()
    thread.join()
    assert once(stream).archived == 6
    check_exactly_once(6)


def claimed(stream: kinesis.Stream, *, limit: int = 1_000) -> Batch:
    """A batch whose worker died as soon as it was claimed."""
    (row,) = shards.readable(kinesis.STREAM)
    door = opened(stream)
    batch = shards.take(row, door.read(door.from_instant(row.shard_id, row.since), limit=limit))
    assert batch is not None
    return batch


def test_d5_a_batch_whose_worker_died_is_archived_first_with_exactly_its_events(stream):
    once(stream)
    stream.put(changes(9))
    batch = claimed(stream, limit=5)
    stream.put(changes(3, 9))
    assert once(stream).archived == 12
    batch.refresh_from_db()
    assert (batch.state, batch.events, batch.attempt) == ("done", 5, 1)
    check_exactly_once(12)


def test_d5_events_that_are_gone_before_their_batch_is_done_are_lost_and_told_and_the_rest_is_archived(
    stream,
):
    once(stream)
    stream.put(changes(9))
    batch = claimed(stream)
    stream.forget(2)
    assert once(stream).archived == 7
    batch.refresh_from_db()
    assert (batch.state, batch.archived) == ("lost", 0)
    assert f"2 of the 9 events of batch {batch.pk} are gone" in alerts()
    assert archived() == references(7, 2)
    assert once(stream).events == 0


def test_d5_events_that_seem_to_be_gone_are_asked_for_once_more(stream, monkeypatch):
    once(stream)
    stream.put(changes(6))
    batch, real, first = claimed(stream), KinesisStream.read_range, []

    def shy(self, *where):
        found = real(self, *where)
        return found if first else first.append(where) or found[3:]

    monkeypatch.setattr(KinesisStream, "read_range", shy)
    assert once(stream).archived == 6
    batch.refresh_from_db()
    assert batch.state == "done"
    check_exactly_once(6)


def test_d5_a_batch_that_was_begun_very_often_comes_last_and_is_told_of(stream, monkeypatch):
    once(stream)
    stream.put(changes(9))
    batch = claimed(stream, limit=5)
    Batch.objects.filter(pk=batch.pk).update(attempt=recovery.OFTEN)
    order = []
    real = archive.archive
    monkeypatch.setattr(
        archive,
        "archive",
        lambda each, *more, **less: (order.append(each.pk), real(each, *more, **less))[1],
    )
    assert once(stream).archived == 9
    assert order[-1] == batch.pk
    assert f"batch {batch.pk} was begun {recovery.OFTEN} times" in alerts()
    check_exactly_once(9)


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


def test_d1_a_service_waits_for_more_and_ends_between_batches_when_told(stream, monkeypatch):
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


def test_d1_a_service_that_is_told_to_end_while_something_is_away_ends(stream, monkeypatch):
    stop = threading.Event()

    def away(self):
        stop.set()
        raise OSError("cut off")

    monkeypatch.setattr(KinesisStream, "list_shards", away)
    monkeypatch.setattr(kinesis_stream, "FIRST_PAUSE", 60.0)
    assert kinesis_stream.consume(opened(stream), stop=stop).events == 0


def test_d1_a_stream_that_was_made_anew_is_read_from_its_start_and_told_of(stream):
    once(stream)
    stream.put(changes(4))
    once(stream)
    stream.make_anew()
    stream.put(changes(3, 4))
    assert once(stream).archived == 3
    assert "was made anew" in alerts()
    check_exactly_once(7)


def test_d1_a_shard_that_is_gone_with_unread_records_is_told_of_and_holds_up_no_child(stream):
    once(stream)
    stream.put(changes(4))
    once(stream)
    parent = stream.shards()[0]
    stream.split(parent)
    shards.enter(kinesis.STREAM, opened(stream).list_shards())
    stream.put(changes(4, 4))
    stream.drop_shard(parent)
    assert once(stream).archived == 4
    assert f"{parent} is gone" in alerts()
    check_exactly_once(8)


def test_d1_a_position_that_kinesis_refuses_though_the_shard_is_there_ends_the_worker(stream):
    once(stream)
    stream.put(changes(2))
    once(stream)
    Shard.objects.update(claimed=str(10**60))
    with pytest.raises(NoSuchPosition, match="no such sequence number"):
        once(stream)


def test_d1_records_that_are_read_very_late_are_told_of_once(stream):
    once(stream)
    (row,) = Shard.objects.all()
    stream.put(changes(20))
    door = opened(stream)
    place = door.from_start(row.shard_id)
    for number in range(2):
        read = door.read(place, limit=5)
        row.refresh_from_db()
        late = type(read)(read.records, read.next, shards.LATE_SECONDS + number)
        assert shards.take(row, late) is not None
        place = read.next
    assert alerts().count("6 hours late") == 1


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
