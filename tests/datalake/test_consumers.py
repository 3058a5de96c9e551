from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection

from datalake import streams
from datalake.errors import UnknownConsumer
from datalake.models import Checkpoint, Claim, DeadLetter, SeenRecord
from datalake.streams import consumers, deadletters
from datalake.streams.consumers import Taken, take
from tests.support.lake import publish_registrations, publish_scores, registration

pytestmark = pytest.mark.django_db

REGISTRATIONS = {"registration"}


class Collector:
    """A consumer that remembers what took effect."""

    def __init__(self, rejects=()):
        self.got = []
        self.rejects = rejects

    def __call__(self, records):
        rejected = {
            at: "unknown fan"
            for at, record in enumerate(records)
            if record["globalUserId"] in self.rejects
        }
        self.got += [
            record["globalUserId"] for at, record in enumerate(records) if at not in rejected
        ]
        return rejected

    def take(self, stream="input", types=REGISTRATIONS):
        return take("collector", stream, self, types=types)


def test_each_record_takes_effect_once_though_published_twice():
    """[T-1]"""
    collector = Collector()
    publish_registrations(1, 2, key="a")
    publish_registrations(2, 3, 3, key="b")
    assert collector.take() == Taken(records_in=5, records_out=3, duplicates=2)
    publish_registrations(3, 4, key="c")
    assert collector.take() == Taken(records_in=2, records_out=1, duplicates=1)
    assert collector.got == ["fan-1", "fan-2", "fan-3", "fan-4"]
    assert collector.take() is None


def test_records_whose_hashes_another_service_numbered_by_hand_all_take_effect_t1():
    collector = Collector()
    data = [streams.Record(f"fan-{n}", registration(n, dedupeHash=f"{n:064x}")) for n in (1, 2, 3)]
    streams.publish("input", data, key="by hand")
    assert collector.take() == Taken(records_in=3, records_out=3)


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
    assert collector.take() == Taken(records_in=3, records_out=2, invalid=1)
    letter = DeadLetter.objects.get()
    assert (letter.source, letter.position, letter.index, letter.error) == (
        "input",
        2,
        0,
        "tags: not a list of strings",
    )
    assert json.loads(letter.record) == registration(2, tags="none")


def test_a_rejected_record_takes_effect_when_it_is_replayed():
    """[T-1]"""
    publish_registrations(1, 2, key="a")
    Collector(rejects={"fan-2"}).take()
    letter = DeadLetter.objects.get()
    assert letter.error == "unknown fan"
    assert deadletters.replay(letter.pk)
    assert not deadletters.replay(letter.pk)
    collector = Collector()
    assert collector.take() == Taken(records_in=1, records_out=1)
    assert collector.got == ["fan-2"]


def test_a_letter_can_be_corrected_before_it_is_replayed():
    publish_registrations(1, key="a", tags=None)
    Collector().take()
    deadletters.replay(DeadLetter.objects.get().pk, registration(1))
    collector = Collector()
    collector.take()
    assert collector.got == ["fan-1"]


def test_records_of_other_types_are_passed_over():
    publish_registrations(1, key="a")
    collector = Collector()
    assert collector.take(types={"codeAssignment"}) == Taken()
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
    assert collector.take("save-selection", {"selectionRefresh"}) == Taken(
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
    outcomes = iter([OperationalError("away"), None, Taken(1, 1), KeyboardInterrupt()])
    done = []

    def step(batches):
        outcome = next(outcomes)
        done.append(outcome)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(consumers, "_subscriptions", {})
    monkeypatch.setattr(consumers, "PAUSE_SECONDS", 0)
    consumers.register_step("patient", "input", step)
    with pytest.raises(KeyboardInterrupt):
        consumers.consume(once=False)
    assert len(done) == 4


def test_consumers_that_are_to_stop_finish_the_step_in_hand_and_begin_no_other(monkeypatch):
    stop, begun = threading.Event(), []

    def step(batches):
        begun.append(batches)
        stop.set()
        return Taken(1, 1)

    monkeypatch.setattr(consumers, "_subscriptions", {})
    consumers.register_step("first", "input", step)
    consumers.register_step("second", "input", step)
    ledgers = consumers.consume(once=False, stop=stop)
    assert len(begun) == 1
    assert (ledgers["first"]["in"], ledgers["second"]["in"]) == (1, 0)


def test_a_letter_from_a_file_is_replayed_on_the_input_stream():
    deadletters.bury(
        "lake",
        "file:avro/registration/2026/01/20/x.avro",
        [deadletters.Letter(0, 3, "broken", registration(5))],
    )
    deadletters.replay(DeadLetter.objects.get().pk)
    collector = Collector()
    collector.take("input")
    assert collector.got == ["fan-5"]
