"""The shards of a stream take turns. [T-1, O-2]"""

from __future__ import annotations

import pytest

from datalake.errors import ConsumerFailed, StreamUnreachable
from datalake.streams import consumers, lanes
from datalake.streams.consumers import Consumed
from datalake.streams.lineage import Shard
from operations.services import troubles

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_shards(monkeypatch):
    monkeypatch.setattr(consumers, "_subscriptions", {})
    monkeypatch.setattr(lanes.streams, "shards", lambda stream: (Shard("0"), Shard("1")))


def test_t1_what_fails_at_one_shard_ends_no_other(two_shards):
    left = [Consumed(3, 3), Consumed(2, 2)]

    def step(shard, batches):
        if shard == "0":
            raise StreamUnreachable("shard 0 does not answer")
        return left.pop() if left else None

    consumers.register_step("patient", "input", step)
    with pytest.raises(ConsumerFailed, match=r"stream input/0: shard 0 does not answer"):
        consumers.consume(once=True)
    assert left == []


def test_t1_the_ledger_of_a_consumer_adds_up_its_shards(two_shards):
    left = {"0": [Consumed(3, 2, 1)], "1": [Consumed(2, 1, 0, 1)]}
    consumers.register_step(
        "patient", "input", lambda shard, _: (left[shard] and left[shard].pop()) or None
    )
    assert consumers.consume(once=True)["patient"] == {
        "in": 5,
        "out": 3,
        "rejected": 2,
        "duplicates": 1,
        "lag": 0,
    }


def test_t1_a_stream_that_cannot_be_listed_is_reported_and_ends_no_other(monkeypatch, two_shards):
    asked: list[str] = []
    monkeypatch.setattr(troubles, "FIRST_PAUSE", troubles.LONGEST_PAUSE)

    def listed(stream):
        asked.append(stream)
        if stream == "input":
            raise StreamUnreachable("no answer")
        return (Shard("0"),)

    left = [Consumed(1, 1)] * 3
    monkeypatch.setattr(lanes.streams, "shards", listed)
    consumers.register_step("patient", "input", lambda *_: None)
    consumers.register_step("patient", "scored", lambda *_: left.pop() if left else None)
    with pytest.raises(ConsumerFailed, match=r"stream input: no answer"):
        consumers.consume(once=True)
    assert left == []
    assert asked.count("input") == 1  # not again before its pause is over
