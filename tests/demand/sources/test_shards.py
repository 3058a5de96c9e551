"""Which shards are read, from where, and when a parent is done. [D-1]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from datalake.aws.kinesis import Listing, StreamShard
from demand.models import Shard
from demand.sources import shards
from operations.models import Alert
from tests.demand.sources.stream_workers import alerts, once, opened
from tests.support import kinesis
from tests.support.demand_streams import changes, check_exactly_once

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_d1_a_stream_that_was_made_anew_is_read_from_its_start_and_raises_an_alert(stream):
    once(stream)
    stream.put(changes(4))
    once(stream)
    stream.make_anew()
    stream.put(changes(3, 4))
    assert once(stream).archived == 3
    assert "was created again" in alerts()
    check_exactly_once(7)


def test_d1_a_shard_that_is_gone_with_unread_records_raises_an_alert_and_delays_no_child(stream):
    once(stream)
    stream.put(changes(4))
    once(stream)
    parent = stream.shards()[0]
    stream.split(parent)
    shards.enter(kinesis.STREAM, opened(stream).list_shards())
    stream.put(changes(4, 4))
    stream.drop_shard(parent)
    assert once(stream).archived == 4
    assert f"{parent} no longer exists" in alerts()
    check_exactly_once(8)


def test_d1_a_shard_that_nobody_read_for_longer_than_it_keeps_records_raises_one_alert(stream):
    """Also one of which no record was ever claimed."""
    once(stream)
    Shard.objects.update(looked_at=timezone.now() - timedelta(hours=23), behind_seconds=0)
    once(stream)
    assert not Alert.objects.exists()
    stream.put(changes(4))
    Shard.objects.update(looked_at=timezone.now() - timedelta(hours=20), behind_seconds=18_000)
    assert once(stream).archived == 4
    once(stream)
    assert alerts().count("It keeps records for 24 hours") == 1


def test_d1_records_that_are_read_very_late_raise_one_alert(stream):
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
    assert alerts().count("6 hours behind") == 1
