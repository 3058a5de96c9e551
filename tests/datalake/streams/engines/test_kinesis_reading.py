"""How a process reads the shards of a stream on Kinesis: each record is fetched once. [T-1]"""

from __future__ import annotations

import pytest

from datalake.aws.kinesis import KinesisStream
from datalake.errors import StreamBusy
from datalake.streams.engines import kinesis_reading
from datalake.streams.engines.kinesis_reading import Reader
from operations.models import Alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(stream):
    return Reader(KinesisStream(stream.name, endpoint=stream.address))


@pytest.fixture
def shard(stream):
    return stream.shards()[0]


def numbers(stretch) -> list[int]:
    return [int(record.data) for record in stretch.records]


def put(stream, first: int, last: int) -> None:
    stream.put([str(number).encode() for number in range(first, last)], low=True)


def test_t1_what_follows_is_fetched_once_and_read_from_there(stream, reader, shard):
    put(stream, 0, 5)
    last = reader.extent(shard, 0, 100)
    reads = stream.reads
    assert numbers(reader.read(shard, 0, last)) == [0, 1, 2, 3, 4]
    assert stream.reads == reads
    assert reader.extent(shard, last, 100) == last
    put(stream, 5, 8)
    assert reader.extent(shard, last, 2) == last + 2 * 4_096
    assert numbers(reader.read(shard, last, last + 2 * 4_096)) == [5, 6]


def test_t1_a_range_that_another_process_found_is_read_exactly(stream, reader, shard):
    put(stream, 0, 9)
    first = reader.extent(shard, 0, 3)
    last = first + 3 * 4_096
    assert numbers(Reader(reader.stream).read(shard, first, last)) == [3, 4, 5]


def test_t1_a_place_that_expired_is_asked_for_again(stream, reader, shard):
    put(stream, 0, 2)
    last = reader.extent(shard, 0, 100)
    reader.read(shard, 0, last)
    stream.expire()
    put(stream, 2, 4)
    after = reader.extent(shard, last, 100)
    assert numbers(reader.read(shard, last, after)) == [2, 3]


def test_t1_more_reads_than_a_shard_gives_are_waited_for_up_to_a_limit(
    stream, reader, shard, monkeypatch
):
    slept: list[float] = []
    monkeypatch.setattr(kinesis_reading.time, "sleep", slept.append)
    put(stream, 0, 2)
    stream.refuse(4)
    assert reader.extent(shard, 0, 100) > 0
    assert len(slept) >= 1
    stream.refuse(100)
    with pytest.raises(StreamBusy):
        Reader(reader.stream).extent(shard, 0, 100)


def test_t1_a_shard_has_ended_when_nothing_will_ever_follow(stream, reader, shard):
    put(stream, 0, 2)
    stream.merge(*stream.shards())
    last = reader.extent(shard, 0, 100)
    assert not reader.has_ended(shard, last)
    reader.read(shard, 0, last)
    assert reader.extent(shard, last, 100) == last
    assert reader.has_ended(shard, last)


def test_t1_new_shards_are_listed_when_one_has_ended(stream, reader, shard):
    assert len(reader.shards()) == 2
    stream.merge(*stream.shards())
    assert len(reader.shards()) == 2
    reader.extent(shard, 0, 100)
    assert [each.parents for each in reader.shards()][2] == tuple(stream.shards()[:2])


def test_t1_a_shard_that_is_gone_is_reported_and_has_ended(stream, reader, shard):
    stream.merge(*stream.shards())
    stream.drop_shard(shard)
    assert reader.extent(shard, 4_096, 100) == 4_096
    assert reader.has_ended(shard, 4_096)
    assert f"no longer has shard {shard}" in Alert.objects.get().text


def test_t1_records_that_expired_before_they_were_taken_are_reported(stream, reader, shard):
    put(stream, 0, 4)
    last = reader.extent(shard, 0, 100)
    stream.forget(4)
    assert Reader(reader.stream).read(shard, 0, last).records == []
    assert "expired before they were read by a consumer" in Alert.objects.get().text
