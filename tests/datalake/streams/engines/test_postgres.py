"""Consumers read the rows that publishers wrote. [T-1]"""

from __future__ import annotations

import pytest

from datalake import streams
from datalake.streams import consumers
from tests.datalake.streams.collector import Collector
from tests.support.lake import publish_registrations

pytestmark = pytest.mark.django_db


def test_t1_a_stream_has_one_shard_which_never_ends_and_nothing_is_handed_over():
    publish_registrations(1, key="a")
    assert [shard.id for shard in streams.shards("input")] == [""]
    assert not streams.has_ended("input", "", 1)
    assert streams.hand_over("input", 40) is None
    assert "handover" not in consumers.consume(["lake"], once=True)


def test_t1_what_a_consumer_reached_is_the_position_that_publishing_gave():
    published = publish_registrations(1, key="a")
    assert streams.reached("collector", "input") == 0
    Collector().take()
    assert streams.reached("collector", "input") == published.position
