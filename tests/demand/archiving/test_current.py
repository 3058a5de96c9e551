"""The current state of each record: the newest change wins, in whatever order changes come.
[D-6]
"""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime
from itertools import count

import pytest
from django.db import connection

from demand.archiving import archive
from demand.models import CurrentRecord
from tests.support.change_events import DEMAND, EVENT, NOTIFICATION, SALE, change
from tests.support.waiting import LIMIT_SECONDS

numbers = count(1)


def archived(*raws: bytes) -> None:
    first = str(next(numbers))
    archive.archive(archive.claim("test", first, first, len(raws)), raws)


def named(name: str, *, at: float, sequence: int = 1, kind: str = "MODIFY") -> bytes:
    return change(DEMAND, kind, at=at, sequence=sequence, eventName=name)


def name_now() -> str:
    return CurrentRecord.objects.get(record_type="demand").record["eventName"]


@pytest.mark.django_db
def test_d6_the_newest_change_wins_though_it_comes_first():
    archived(named("new", at=2_000_000_000))
    archived(named("old", at=1_900_000_000))
    assert name_now() == "new"
    archived(named("newest", at=2_000_000_001))
    assert name_now() == "newest"


@pytest.mark.django_db
def test_d6_of_changes_in_the_same_second_the_higher_sequence_number_wins_as_a_number():
    archived(named("higher", at=2_000_000_000, sequence=10**25))
    archived(named("lower", at=2_000_000_000, sequence=9 * 10**24))
    assert name_now() == "higher"


@pytest.mark.django_db
def test_d6_the_same_change_twice_is_one_state():
    archived(named("same", at=2_000_000_000))
    archived(named("same", at=2_000_000_000))
    assert CurrentRecord.objects.count() == 1


@pytest.mark.django_db
def test_d6_a_deleted_record_is_scrubbed_and_an_older_change_does_not_bring_its_data_back():
    archived(change(DEMAND, at=1_900_000_000))
    assert CurrentRecord.objects.get().record["email"] == DEMAND["email"]
    archived(change(DEMAND, "REMOVE", at=1_900_000_010))
    archived(change(DEMAND, "MODIFY", at=1_900_000_005))
    current = CurrentRecord.objects.get()
    assert current.deleted
    assert (current.record["email"], current.record["phoneNumber"]) == ("[redacted]", "[redacted]")
    assert DEMAND["email"] not in str(current.record)


@pytest.mark.django_db
def test_d6_a_demand_and_its_notification_have_one_reference_and_are_two_records():
    archived(change(DEMAND), change(NOTIFICATION))
    assert sorted(CurrentRecord.objects.values_list("reference_id", "record_type")) == [
        ("event-1_sale-1_fan-1", "demand"),
        ("event-1_sale-1_fan-1", "notification"),
    ]


@pytest.mark.django_db
def test_d6_records_are_found_by_fan_event_and_sale():
    archived(change(DEMAND), change(EVENT), change(SALE))
    assert set(
        CurrentRecord.objects.filter(event_id="event-1").values_list("record_type", flat=True)
    ) == {
        "demand",
        "event",
        "sale",
    }
    assert set(
        CurrentRecord.objects.filter(sale_id="sale-1").values_list("record_type", flat=True)
    ) == {"demand", "sale"}
    assert CurrentRecord.objects.get(fan_id="fan-1").record_type == "demand"


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(5))
def test_d6_in_any_order_and_any_batches_the_end_is_the_same(seed):
    dice = random.Random(seed)
    made = [
        change(
            DEMAND,
            fanId=f"fan-{number % 4}",
            at=1_900_000_000 + number // 3,
            sequence=number,
            eventName=f"name {number}",
        )
        for number in range(40)
    ]
    dice.shuffle(made)
    while made:
        some = dice.randrange(1, 12)
        archived(*made[:some])
        made = made[some:]
    names = dict(CurrentRecord.objects.values_list("fan_id", "record__eventName"))
    assert names == {f"fan-{number}": f"name {36 + number}" for number in range(4)}


@pytest.mark.django_db(transaction=True)
def test_workers_that_change_the_same_records_at_once_neither_block_each_other_nor_lose_a_change():
    """Each of four has all records, in an order of its own."""
    made = [
        change(DEMAND, fanId=f"fan-{number}", at=1_900_000_000 + worker)
        for worker in range(4)
        for number in range(120)
    ]
    problems: list[Exception] = []

    def work(worker: int) -> None:
        mine = made[worker * 120 : worker * 120 + 120]
        try:
            for number in range(3):
                random.Random(worker * 7 + number).shuffle(mine)
                archive.archive(archive.claim("test", f"{worker}-{number}", "x", len(mine)), mine)
        except Exception as problem:  # noqa: BLE001 told by the test
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
    assert problems == []
    assert CurrentRecord.objects.count() == 120
    newest = datetime.fromtimestamp(1_900_000_003, UTC)
    assert set(CurrentRecord.objects.values_list("changed_at", flat=True)) == {newest}
