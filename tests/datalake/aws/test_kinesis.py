"""The door to a Kinesis stream, over real connections to moto's server (corrected in
tests/support/kinesis.py). [D-1]
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from datalake.aws import kinesis as door
from datalake.aws.kinesis import KinesisStream
from datalake.errors import (
    IteratorExpired,
    NoSuchPosition,
    StreamBusy,
    StreamUnreachable,
    UnknownStream,
)
from tests.support import kinesis


@pytest.fixture
def stream(settings, monkeypatch):
    with kinesis.running(settings, monkeypatch) as found:
        yield found


@pytest.fixture
def opened(stream):
    return KinesisStream(kinesis.STREAM, endpoint=stream.address)


def datas(read: door.Read) -> list[bytes]:
    return [record.data for record in read.records]


def read_all(opened: KinesisStream, place: str | None) -> list[bytes]:
    found: list[bytes] = []
    while place:
        read = opened.read(place, limit=3)
        found += datas(read)
        place = None if read.at_the_tip else read.next
    return found


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [str(number).encode() for number in range(first, first + count)]


def test_d1_a_shard_is_read_from_its_start_in_order_some_at_a_time(stream, opened):
    (shard,) = opened.list_shards().shards
    stream.put(numbered(7))
    read = opened.read(opened.from_start(shard.id), limit=5)
    assert (datas(read), read.behind_seconds > 0, read.at_the_tip) == (numbered(5), True, False)
    rest = opened.read(read.next, limit=5)
    assert (datas(rest), rest.behind_seconds, rest.at_the_tip) == (numbered(2, 5), 0, False)
    assert opened.read(rest.next).at_the_tip


def test_d1_sequence_numbers_are_digits_that_grow_and_places_are_found_by_them(stream, opened):
    (shard,) = opened.list_shards().shards
    stream.put(numbered(6))
    sequences = [record.sequence for record in opened.read(opened.from_start(shard.id)).records]
    assert sorted(sequences, key=int) == sequences
    assert len(sequences[0]) > 50
    assert read_all(opened, opened.at(shard.id, sequences[2])) == numbered(4, 2)
    assert read_all(opened, opened.after(shard.id, sequences[2])) == numbered(3, 3)


def test_d1_a_place_by_time_is_before_all_that_came_then_or_later(stream, opened):
    (shard,) = opened.list_shards().shards
    stream.put(numbered(3))
    stream.age(60)
    since = opened.list_shards().asked_at
    assert read_all(opened, opened.from_instant(shard.id, since)) == []
    stream.put(numbered(4, 3))
    assert read_all(opened, opened.from_instant(shard.id, since)) == numbered(4, 3)
    assert read_all(opened, opened.from_instant(shard.id, since - timedelta(hours=1))) == numbered(
        7
    )


def test_d1_an_instant_that_is_still_to_come_by_their_clock_is_waited_for(stream, opened):
    (shard,) = opened.list_shards().shards
    with pytest.raises(StreamUnreachable, match="future"):
        opened.from_instant(shard.id, datetime.now(UTC) + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("ours", "theirs", "taken"),
    [
        ("12:00:00.250", "12:00:00", "12:00:00.250"),
        ("12:00:00.900", "12:00:01", "12:00:00.900"),
        ("12:00:05", "12:00:00", "12:00:00"),
        ("11:50:00", "12:00:00", "12:00:00"),
    ],
    ids=["agree", "the second turned meanwhile", "ours is ahead", "ours is behind"],
)
def test_d1_the_first_look_is_dated_by_our_clock_unless_it_goes_wrong(ours, theirs, taken):
    day = "2026-01-20T"
    told = datetime.fromisoformat(f"{day}{theirs}+00:00").strftime("%a, %d %b %Y %H:%M:%S GMT")
    found = door._by_their_clock(datetime.fromisoformat(f"{day}{ours}+00:00"), told)
    assert found == datetime.fromisoformat(f"{day}{taken}+00:00")


def test_d1_a_split_shard_keeps_its_records_ends_and_is_the_parent_of_two(stream, opened):
    (parent,) = stream.shards()
    stream.put(numbered(4))
    stream.split(parent)
    stream.put(numbered(4, 4))
    shards = opened.list_shards().shards
    assert [shard.parents for shard in shards] == [(), (parent,), (parent,)]
    read = opened.read(opened.from_start(parent))
    assert (datas(read), read.next) == (numbered(4), None)
    lower, upper = (read_all(opened, opened.from_start(shard.id)) for shard in shards[1:])
    assert (lower, upper) == ([b"4", b"6"], [b"5", b"7"])


def test_d1_merged_shards_are_both_parents_of_one_that_begins_empty(stream, opened):
    stream.split(stream.shards()[0])
    low, high = stream.shards()[1:]
    stream.put(numbered(2))
    stream.merge(low, high)
    merged = opened.list_shards().shards[-1]
    assert merged.parents == (low, high)
    assert read_all(opened, opened.from_start(merged.id)) == []
    assert [opened.read(opened.from_start(shard)).next for shard in (low, high)] == [None, None]


def test_d1_shards_are_listed_over_several_pages(stream, opened, monkeypatch):
    stream.client.update_shard_count(
        StreamName=kinesis.STREAM, TargetShardCount=2, ScalingType="UNIFORM_SCALING"
    )
    real, asked_for = opened.client.list_shards, []

    def by_ones(**asked):
        asked_for.append(sorted(asked))
        return real(
            **{"StreamName": kinesis.STREAM} | asked, MaxResults=1
        )  # moto wants the name with each token, Amazon forbids it

    monkeypatch.setattr(opened.client, "list_shards", by_ones)
    assert [shard.id for shard in opened.list_shards().shards] == stream.shards()
    assert asked_for[:3] == [["StreamName"], ["NextToken"], ["NextToken"]]


def test_d1_an_expired_place_says_so(stream, opened):
    place = opened.from_start(stream.shards()[0])
    stream.expire()
    with pytest.raises(IteratorExpired):
        opened.read(place)


def test_d1_reading_more_than_a_shard_gives_is_a_reason_to_wait(stream, opened):
    place = opened.from_start(stream.shards()[0])
    stream.refuse(door.PATIENCE.tries)
    with pytest.raises(StreamBusy):
        opened.read(place)
    assert opened.read(place).at_the_tip


def test_d1_a_range_is_read_exactly_over_several_answers(stream, opened, monkeypatch):
    (shard,) = stream.shards()
    stream.put(numbered(9))
    records = opened.read(opened.from_start(shard)).records
    real = opened.read
    monkeypatch.setattr(opened, "read", lambda place, **_: real(place, limit=2))
    assert opened.read_range(shard, records[1].sequence, records[5].sequence) == records[1:6]
    assert opened.read_range(shard, records[7].sequence, records[8].sequence) == records[7:]


def test_d1_of_a_range_that_is_partly_forgotten_comes_what_is_left(stream, opened):
    (shard,) = stream.shards()
    stream.put(numbered(6))
    records = opened.read(opened.from_start(shard)).records
    stream.forget(2)
    assert opened.read_range(shard, records[0].sequence, records[3].sequence) == records[2:4]
    stream.forget(4)
    assert opened.read_range(shard, records[0].sequence, records[3].sequence) == []


def test_d1_numbers_of_a_stream_that_was_made_anew_are_known_no_more(stream, opened):
    (shard,) = stream.shards()
    stream.put(numbered(3))
    last = opened.read(opened.from_start(shard)).records[-1].sequence
    stream.make_anew()
    with pytest.raises(NoSuchPosition):
        opened.after(shard, last)
    with pytest.raises(NoSuchPosition):
        opened.from_start("shardId-000000000007")
    assert opened.read_range(shard, last, last) == []


def test_d1_a_missing_stream_and_an_impossible_name_differ_from_a_stream_that_is_away(
    stream, monkeypatch
):
    with pytest.raises(UnknownStream, match="no stream other"):
        KinesisStream("other", endpoint=stream.address).list_shards()
    with pytest.raises(UnknownStream, match="not a valid stream name"):
        KinesisStream("a stream")
    with pytest.raises(StreamUnreachable, match="cannot be reached"):
        KinesisStream("demand", endpoint="http://127.0.0.1:1").list_shards()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(StreamUnreachable, match="region"):
        KinesisStream("demand")
