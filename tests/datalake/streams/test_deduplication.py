"""Delivered at least once, a record takes effect once. [T-1]"""

from __future__ import annotations

import pytest

from datalake import streams
from datalake.streams.consumers import Consumed
from tests.datalake.streams.collector import Collector
from tests.support.lake import publish_registrations, registration

pytestmark = pytest.mark.django_db


def test_each_record_takes_effect_once_though_published_twice():
    """[T-1]"""
    collector = Collector()
    publish_registrations(1, 2, key="a")
    publish_registrations(2, 3, 3, key="b")
    assert collector.take() == Consumed(records_in=5, records_out=3, duplicates=2)
    publish_registrations(3, 4, key="c")
    assert collector.take() == Consumed(records_in=2, records_out=1, duplicates=1)
    assert collector.got == ["fan-1", "fan-2", "fan-3", "fan-4"]
    assert collector.take() is None


def test_t1_records_whose_hashes_another_service_numbered_by_hand_all_take_effect():
    collector = Collector()
    data = [streams.Record(f"fan-{n}", registration(n, dedupeHash=f"{n:064x}")) for n in (1, 2, 3)]
    streams.publish("input", data, key="by hand")
    assert collector.take() == Consumed(records_in=3, records_out=3)
