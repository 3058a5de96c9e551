"""What came is counted, listed and uploaded. [D-1, D-5, O-7]"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from console.demand import numbers
from datalake.models import LakePartition
from demand.choices import BatchState
from demand.models import Batch, Shard
from tests.console.demand.demand_cases import OVERVIEW, text_of
from tests.support.change_events import DEMAND, EVENT, archived, change

pytestmark = pytest.mark.django_db


# Numbers


def test_d5_batches_are_counted_by_day_with_errors_by_type(operator):
    archived([change(DEMAND), change(DEMAND, date={}), b"{", b"[}"])
    archived([change(EVENT)])
    today, *_ = numbers.batches_by_day(now=Batch.objects.latest("pk").created_at)
    assert (today["batches"], today["events_in"], today["archived_in"], today["errors_in"]) == (
        2,
        5,
        2,
        3,
    )
    assert sorted(count for _, count in today["by_type"]) == [1, 2]
    assert today["by_type"][0] == ("Not JSON", 2)
    html = text_of(operator.get(OVERVIEW))
    assert "Not JSON 2" in html


def test_open_and_lost_batches_stand_apart_from_the_ledger(operator):
    now = timezone.now()
    for state, first in ((BatchState.OPEN, "1"), (BatchState.LOST, "2")):
        Batch.objects.create(
            source="kinesis:a/b", first=first, last=first, state=state, events=7, created_at=now
        )
    archived([change(DEMAND)])
    found = numbers.last_day(now=now)
    assert (
        found["events_in"],
        found["archived_in"],
        found["errors_in"],
        found["open"],
        found["lost"],
    ) == (1, 1, 0, 7, 7)
    assert "7 events expired from the stream" in text_of(operator.get(OVERVIEW))


def test_days_are_those_of_utc_and_two_weeks_back():
    now = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    for number, at in enumerate(
        (now, now - timedelta(minutes=31), now - timedelta(days=13), now - timedelta(days=14))
    ):
        Batch.objects.create(
            source="kinesis:a/b", first=str(number), last="", events=0, created_at=at
        )
    days = [row["day"] for row in numbers.batches_by_day(now=now)]
    assert days == [date(2026, 11, 21), date(2026, 11, 20), date(2026, 11, 8)]


def test_volumes_show_the_newest_days_that_are_not_far_ahead():
    today = date(2026, 11, 21)
    for record_type, day in (
        ("sale", date(9999, 12, 31)),
        ("sale", date(2026, 12, 1)),
        ("demand", date(2026, 11, 20)),
    ):
        LakePartition.objects.create(record_type=record_type, day=day, records=5)
    LakePartition.objects.create(record_type="scoring", day=date(2026, 12, 5), records=5)
    found = numbers.volumes(today=today)
    assert found.last == date(2026, 12, 1)
    assert found.counts["demand"] == {date(2026, 11, 20): 5}
    assert found.counts["sale"] == {date(2026, 12, 1): 5}
    assert "scoring" not in found.counts


@pytest.mark.parametrize(
    "until", ["0001-01-01", "9999-12-31", "2026-02-30", "x", "'; --", "2026-11-21"]
)
def test_any_day_can_be_asked_for_and_nonsense_does_no_harm(operator, until):
    archived([change(DEMAND)])
    assert operator.get(OVERVIEW, {"until": until}).status_code == 200


def test_streams_say_how_far_behind_they_are(operator):
    Shard.objects.create(
        stream="demand-stream",
        shard_id="shard-0",
        behind_seconds=600,
        looked_at=timezone.now(),
        claimed="9" * 56,
    )
    Shard.objects.create(stream="demand-stream", shard_id="shard-1", ended=True)
    html = text_of(operator.get(OVERVIEW))
    assert "10 min" in html
    assert "fully read" in html


# Lists


# Uploads
