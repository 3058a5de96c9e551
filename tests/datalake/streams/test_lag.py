"""How far consumers are behind. [T-1, O-2]"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import F

from datalake import save
from datalake.models import StreamBatch
from datalake.streams import consumers, lag
from tests.support.lake import publish_registrations

pytestmark = pytest.mark.django_db


def of_lake() -> lag.Lag:
    return next(each for each in lag.lags() if (each.consumer, each.stream) == ("lake", "input"))


def test_t1_a_consumer_is_behind_by_the_records_after_its_position_and_since_the_oldest(
    monkeypatch,
):
    assert of_lake() == lag.Lag("lake", "input")
    publish_registrations(1, 2, key="a")
    save.save("input")
    publish_registrations(3, 4, 5, key="b")
    publish_registrations(6, key="c")
    hour = timedelta(hours=1)
    StreamBatch.objects.filter(batch_key="b:0").update(published_at=F("published_at") - hour)
    found = of_lake()
    assert (found.records, found.is_more) == (4, False)
    assert hour < found.age < 2 * hour
    monkeypatch.setattr(lag, "MOST_BATCHES", 1)
    assert (of_lake().records, of_lake().is_more) == (3, True)


def test_what_is_no_stream_says_itself_how_much_waits(monkeypatch):
    (queue,) = consumers.registered(["verdict-queue"])
    monkeypatch.setattr(consumers, "registered", lambda: [replace(queue, waits=lambda: 7)])
    assert lag.lags() == [lag.Lag("verdict-queue", "queue verdict", 7)]
