"""A consumer's place in a shard is moved by one process at a time. [T-1]"""

from __future__ import annotations

import pytest
from django.db import transaction

from datalake import streams
from datalake.errors import TakenOver
from datalake.models import Checkpoint
from datalake.streams import lanes
from datalake.streams.lanes import Lane
from datalake.streams.lineage import Shard

pytestmark = pytest.mark.django_db


def test_t1_a_process_that_was_taken_over_moves_nothing():
    lane = Lane("collector", "input", "7")
    Checkpoint.objects.create(consumer="collector", stream="input", shard="7", position=5)
    with transaction.atomic():
        lane.lock(5)
        lane.move_on(9)
    with pytest.raises(TakenOver, match="input/7:5"):
        lane.lock(5)
    assert lanes.position("collector", "input", "7") == 9


def test_t1_each_consumer_comes_to_the_children_of_a_shard_when_it_is_through_with_it(monkeypatch):
    listed = (Shard("0"), Shard("1", ("0",)), Shard("2", ("0",)))
    monkeypatch.setattr(streams, "shards", lambda stream: listed)
    Checkpoint.objects.create(consumer="fast", stream="input", shard="0", ended=True)
    assert [lane.shard for lane in lanes.open_to("fast", "input")] == ["1", "2"]
    assert [lane.shard for lane in lanes.open_to("slow", "input")] == ["0"]
