"""Rejected records are kept, and can be replayed where they came from. [T-1]"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from datalake import save, streams
from datalake.dead_letters import found, replay
from datalake.models import Claim, DeadLetter, LakeFile, Stream, StreamBatch
from datalake.streams import deadletters
from datalake.streams.consumers import Consumed
from tests.datalake.dead_letters.letter_rows import a_letter
from tests.datalake.streams.collector import Collector
from tests.support.lake import publish_registrations, read_with_polars, registration
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db


def test_a_rejected_record_takes_effect_when_it_is_replayed():
    """[T-1]"""
    publish_registrations(1, 2, key="a")
    Collector(rejects={"fan-2"}).take()
    letter = DeadLetter.objects.get()
    assert letter.error == "unknown fan"
    assert replay.replay(letter.pk)
    assert not replay.replay(letter.pk)
    collector = Collector()
    assert collector.take() == Consumed(records_in=1, records_out=1)
    assert collector.got == ["fan-2"]


def test_a_letter_can_be_corrected_before_it_is_replayed():
    publish_registrations(1, key="a", tags=None)
    Collector().take()
    replay.replay(DeadLetter.objects.get().pk, registration(1))
    collector = Collector()
    collector.take()
    assert collector.got == ["fan-1"]


def letter_of_a_file(record) -> DeadLetter:
    source = "file:avro/registration/2026/01/20/x.avro#0123456789abcdef"
    deadletters.store("lake", source, [deadletters.StreamRecord(0, 3, "broken", record)])
    return DeadLetter.objects.get()


def test_t1_a_letter_from_a_file_is_replayed_into_the_lake_once_and_onto_no_stream():
    letter = letter_of_a_file(registration(5))
    assert replay.replay(letter.pk)
    assert not replay.replay(letter.pk)
    assert not StreamBatch.objects.exists()
    assert read_with_polars(LakeFile.objects.get().key)["globalUserId"].to_list() == ["fan-5"]
    claim = Claim.objects.get()
    assert (claim.state, claim.records_out) == ("done", 1)


def test_t1_a_letter_from_a_file_that_is_still_wrong_becomes_another_that_is_replayed_likewise():
    assert replay.replay(letter_of_a_file(registration(5, tags=None)).pk)
    again = DeadLetter.objects.get(replayed_at=None)
    assert replay.replay(again.pk, registration(5))
    assert LakeFile.objects.get().records == 1
    assert not StreamBatch.objects.exists()


def test_t1_a_letter_whose_message_is_gone_goes_on_waiting_and_ends_no_others():
    gone = a_letter(source="queue:verdict")
    a_letter()
    a_letter()
    assert replay.replay_all() == 2
    assert [*DeadLetter.objects.waiting()] == [gone]


def test_t1_a_replay_into_the_lake_that_is_killed_is_done_by_the_next(monkeypatch):
    letter = letter_of_a_file(registration(5))
    with monkeypatch.context() as patched:
        patched.setattr(save, "write_file", lambda *about: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            replay.replay(letter.pk)
    assert DeadLetter.objects.filter(replayed_at=None).exists()
    assert replay.replay(letter.pk)
    assert LakeFile.objects.get().records == 1


def test_t1_many_letters_of_a_stream_are_one_batch_and_settle_those_of_other_consumers():
    """Also in one statement for each step, however many there are."""
    for number in range(3):
        record = deadletters.StreamRecord(9, number, "broken", registration(number))
        deadletters.store("lake", "input", [record])
        deadletters.store("registrations", "input", [record])
    mine = DeadLetter.objects.filter(consumer="lake").values_list("pk", flat=True)
    assert replay.replay_many(list(mine)) == 3
    assert StreamBatch.objects.get().records == 3
    assert not DeadLetter.objects.waiting().exists()
    collector = Collector()
    collector.take()
    assert collector.got == ["fan-0", "fan-1", "fan-2"]


def raising(error):
    raise error


def test_t1_a_bucket_that_is_away_holds_up_no_stream_and_loses_no_letter(monkeypatch):
    of_file = letter_of_a_file(registration(5))
    a_letter()
    with monkeypatch.context() as patched:
        patched.setattr(save, "write_file", lambda *about: raising(OSError("no answer")))
        with pytest.raises(
            OSError, match="bucket cannot be reached: no answer 1 of 2 dead letters"
        ):
            replay.replay_all()
    assert [*DeadLetter.objects.waiting()] == [of_file]
    assert replay.replay_all() == 1
    assert LakeFile.objects.get().records == 1


def test_t1_a_letter_that_is_settled_while_it_is_written_takes_no_effect(monkeypatch):
    """Nor does it stand in the way of the same record by another road."""
    letter, write = letter_of_a_file(registration(5)), save.write_file

    def meanwhile(*about):
        DeadLetter.objects.update(dropped_at=timezone.now())
        return write(*about)

    with monkeypatch.context() as patched:
        patched.setattr(save, "write_file", meanwhile)
        assert not replay.replay(letter.pk)
    assert not LakeFile.objects.exists()
    publish_registrations(5, key="again")
    save.save("input")
    assert LakeFile.objects.get().records == 1


def test_t1_a_letter_is_replayed_as_it_is_when_its_row_is_locked(monkeypatch):
    """[X-11] What an erasure took out of it meanwhile does not come back."""
    letter, consumers = a_letter(record=json.dumps(registration(1))), found.consumers

    def meanwhile():
        DeadLetter.objects.update(record=json.dumps(registration(2)))
        return consumers()

    monkeypatch.setattr(found, "consumers", meanwhile)
    assert replay.replay(letter.pk)
    collector = Collector()
    collector.take()
    assert collector.got == ["fan-2"]


@pytest.mark.django_db(transaction=True)
def test_o6_streams_are_locked_in_the_order_of_their_names():
    """Somebody who publishes on two of them meanwhile need not be ended."""
    numbers = [a_letter(source=source).pk for source in ("scored", "input")]
    Stream.objects.bulk_create([Stream(name=name) for name in ("input", "scored")])
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            Stream.objects.select_for_update().get(name="input")
            replaying = other.submit(replay_elsewhere, numbers)
            wait_until(is_waited_for, "the replay waits for the stream")
            Stream.objects.select_for_update().get(name="scored")
        assert replaying.result() == 2


def replay_elsewhere(numbers):
    try:
        return replay.replay_many(numbers)
    finally:
        connection.close()


def is_waited_for():
    waiting = (
        "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    with connection.cursor() as cursor:
        cursor.execute(waiting)
        return cursor.fetchone()


@pytest.mark.django_db(transaction=True)
def test_o6_a_replay_that_was_ended_for_another_transaction_is_repeated_at_once(monkeypatch):
    letter, publish, tries = a_letter(), streams.publish, []

    def ended_once(*about, **more):
        tries.append(about)
        if len(tries) == 1:
            raise OperationalError("deadlock detected") from DeadlockDetected()
        return publish(*about, **more)

    monkeypatch.setattr(streams, "publish", ended_once)
    assert replay.replay_many([letter.pk]) == 1
    assert (len(tries), StreamBatch.objects.get().records) == (2, 1)
