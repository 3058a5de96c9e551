from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected

from campaigns.errors import ListEntryInvalid
from datalake import streams
from datalake.errors import ConsumerFailed, UnknownConsumer
from datalake.models import Checkpoint, Claim, DeadLetter, SeenRecord
from datalake.streams import consumers, turns
from datalake.streams.consumers import Consumed, take
from operations.models import Alert
from operations.services import troubles
from tests.datalake.streams.collector import REGISTRATIONS, Collector
from tests.support.lake import publish_registrations, publish_scores, registration

pytestmark = pytest.mark.django_db


def test_a_failing_consumer_stays_where_it_is_and_takes_everything_the_next_time():
    """[T-1]"""

    def broken(records):
        raise OperationalError("away")

    publish_registrations(1, 2, key="a")
    with pytest.raises(OperationalError):
        take("collector", "input", broken, types=REGISTRATIONS)
    assert not SeenRecord.objects.exists()
    assert not DeadLetter.objects.exists()
    collector = Collector()
    collector.take()
    assert collector.got == ["fan-1", "fan-2"]


def test_an_invalid_record_goes_to_the_dead_letters_and_the_rest_goes_on():
    """[T-1]"""
    publish_registrations(1, key="a")
    publish_registrations(2, key="b", tags="none")
    publish_registrations(3, key="c")
    collector = Collector()
    assert collector.take() == Consumed(records_in=3, records_out=2, invalid=1)
    letter = DeadLetter.objects.get()
    assert (letter.source, letter.position, letter.index, letter.error) == (
        "input",
        2,
        0,
        "tags: not a list of strings",
    )
    assert json.loads(letter.record) == registration(2, tags="none")


def test_records_of_other_types_are_passed_over():
    publish_registrations(1, key="a")
    collector = Collector()
    assert collector.take(types={"codeAssignment"}) == Consumed()
    assert Checkpoint.objects.get().position == 1


def test_a_message_without_a_schema_needs_only_an_identity():
    """[T-4]"""
    refresh = {"type": "selectionRefresh", "globalUserId": "a"}
    identity = hashlib.sha256(b"a").hexdigest()
    records = [
        streams.Record("a", refresh),
        streams.Record("a", refresh | {"dedupeHash": identity}),
    ]
    streams.publish("save-selection", records, key="a")
    collector = Collector()
    assert collector.take("save-selection", {"selectionRefresh"}) == Consumed(
        records_in=2, records_out=1, invalid=1
    )


def test_frames_reach_a_handler_as_records():
    publish_scores(3)
    collector = Collector()
    collector.take("scored", {"scoring"})
    assert collector.got == ["fan-0", "fan-1", "fan-2"]


def test_consumers_of_one_stream_do_not_see_each_others_positions():
    publish_registrations(1, key="a")
    Collector().take()
    other = Collector()
    take("other", "input", other, types=REGISTRATIONS)
    assert other.got == ["fan-1"]


def test_an_unknown_consumer_is_refused_by_name():
    with pytest.raises(UnknownConsumer, match="lake"):
        consumers.consume(["nonsense"], once=True)


@pytest.mark.django_db(transaction=True)
def test_two_processes_of_one_consumer_share_the_work_without_doubling_it():
    """[T-1]"""
    for number in range(30):
        publish_registrations(number, key=str(number))
    got = []

    def worker(_):
        collector = Collector()
        try:
            while take("collector", "input", collector, types=REGISTRATIONS, batches=1):
                pass
        finally:
            connection.close()
        return collector.got

    with ThreadPoolExecutor(2) as pool:
        for each in pool.map(worker, range(2)):
            got += each
    assert sorted(got) == sorted(f"fan-{number}" for number in range(30))
    assert Claim.objects.count() == 30


def test_a_waiting_consumer_outlives_a_database_that_is_away_for_a_moment(monkeypatch):
    """[T-1]"""
    outcomes = iter([OperationalError("away"), None, Consumed(1, 1), KeyboardInterrupt()])
    done = []

    def step(shard, batches):
        outcome = next(outcomes)
        done.append(outcome)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(consumers, "_subscriptions", {})
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(troubles, "FIRST_PAUSE", 0)
    consumers.register_step("patient", "input", step)
    with pytest.raises(KeyboardInterrupt):
        consumers.consume(once=False)
    assert len(done) == 4


def test_consumers_that_are_to_stop_finish_the_step_in_hand_and_begin_no_other(monkeypatch):
    stop, begun = threading.Event(), []

    def step(shard, batches):
        begun.append(batches)
        stop.set()
        return Consumed(1, 1)

    monkeypatch.setattr(consumers, "_subscriptions", {})
    consumers.register_step("first", "input", step)
    consumers.register_step("second", "input", step)
    ledgers = consumers.consume(once=False, stop=stop)
    assert len(begun) == 1
    assert (ledgers["first"]["in"], ledgers["second"]["in"]) == (1, 0)


def with_subscriptions(monkeypatch, **steps) -> None:
    monkeypatch.setattr(consumers, "_subscriptions", {})
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(troubles, "FIRST_PAUSE", 0)
    for name, step in steps.items():
        consumers.register_step(name, "input", step)


def failing(shard, batches):
    raise ListEntryInvalid("blacklist/emails.txt in the scoring bucket", 7, "write an address")


def test_t1_what_one_subscription_cannot_do_ends_no_other_and_alerts_once(monkeypatch):
    """[T-1, O-2]"""
    stop, begun = threading.Event(), []

    def working(shard, batches):
        begun.append(batches)
        if len(begun) == 5:
            stop.set()
        return Consumed(1, 1)

    with_subscriptions(monkeypatch, broken=failing, well=working)
    ledgers = consumers.consume(once=False, stop=stop)
    assert (ledgers["well"]["out"], ledgers["broken"]["out"]) == (5, 0)
    alert = Alert.objects.get()
    assert alert.text.startswith(":red_circle: Consumer broken failed for stream input: blacklist/")
    assert "line 7" in alert.text
    assert "/admin/datalake/checkpoint/" in alert.text


def test_t1_a_run_that_ends_does_what_can_be_done_and_then_says_what_failed(monkeypatch):
    left = [Consumed(1, 1), Consumed(1, 1)]
    with_subscriptions(monkeypatch, broken=failing, well=lambda *_: left.pop() if left else None)
    with pytest.raises(ConsumerFailed, match=r"Consumer broken, stream input: .*line 7"):
        consumers.consume(once=True)
    assert left == []


def test_t1_a_run_that_ends_finds_the_record_that_breaks_its_handler(monkeypatch):
    def broken(records):
        if any(record["globalUserId"] == "fan-2" for record in records):
            raise KeyError("a fault of one record")
        return {}

    monkeypatch.setattr(consumers, "_subscriptions", {})
    consumers.register("collector", "input", broken, types=REGISTRATIONS)
    publish_registrations(1, 2, 3, 4, key="a")
    ledger = consumers.consume(once=True)["collector"]
    assert (ledger["in"], ledger["out"], ledger["rejected"], ledger["lag"]) == (4, 3, 1, 0)
    assert DeadLetter.objects.get().index == 1


@pytest.mark.django_db(transaction=True)
def test_o6_a_transaction_that_was_ended_for_another_is_repeated_at_once():
    publish_registrations(1, key="a")
    collector, tries = Collector(), []

    def handler(records):
        tries.append(len(records))
        if len(tries) == 1:
            raise OperationalError("deadlock detected") from DeadlockDetected()
        return collector(records)

    done = take("collector", "input", handler, types=REGISTRATIONS)
    assert (done, tries, collector.got) == (Consumed(1, 1), [1, 1], ["fan-1"])
