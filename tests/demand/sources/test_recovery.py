"""What another worker had claimed is archived first, with exactly its events. [D-5]"""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from datalake.aws.kinesis import KinesisStream
from demand.archiving import archive
from demand.models import Batch
from demand.sources import recovery
from tests.demand.sources.stream_workers import alerts, claimed, once
from tests.support.demand_streams import archived, changes, check_exactly_once, references

pytestmark = pytest.mark.django_db(transaction=True)


def test_d1_a_batch_that_another_worker_is_at_is_left_to_it(stream):
    """An advisory lock is the session's, so the other worker is a thread with a connection of its
    own.
    """
    once(stream)
    stream.put(changes(6))
    batch = claimed(stream)
    held, done = threading.Event(), threading.Event()

    def other():
        with recovery.alone_at(batch.source, batch.first) as alone:
            assert alone
            held.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    held.wait(30)
    assert once(stream).events == 0
    done.set()
    thread.join()
    assert once(stream).archived == 6
    check_exactly_once(6)


def test_d5_a_batch_whose_worker_died_is_archived_first_with_exactly_its_events(stream):
    once(stream)
    stream.put(changes(9))
    batch = claimed(stream, limit=5)
    stream.put(changes(3, 9))
    assert once(stream).archived == 12
    batch.refresh_from_db()
    assert (batch.state, batch.events, batch.attempt) == ("done", 5, 1)
    check_exactly_once(12)


def test_d5_events_that_are_gone_before_their_batch_is_done_raise_an_alert_and_the_rest_is_archived(
    stream,
):
    once(stream)
    stream.put(changes(9))
    batch = claimed(stream)
    stream.forget(2)
    assert once(stream).archived == 7
    batch.refresh_from_db()
    assert (batch.state, batch.archived) == ("lost", 0)
    assert f"2 of 9 events of batch {batch.pk} expired" in alerts()
    assert archived() == references(7, 2)
    assert once(stream).events == 0


def test_d5_events_that_seem_to_be_gone_are_asked_for_once_more(stream, monkeypatch):
    once(stream)
    stream.put(changes(6))
    batch, real, first = claimed(stream), KinesisStream.read_range, []

    def shy(self, *where):
        found = real(self, *where)
        return found if first else first.append(where) or found[3:]

    monkeypatch.setattr(KinesisStream, "read_range", shy)
    assert once(stream).archived == 6
    batch.refresh_from_db()
    assert batch.state == "done"
    check_exactly_once(6)


def test_d5_a_batch_that_was_begun_very_often_comes_last_and_raises_an_alert(stream, monkeypatch):
    once(stream)
    stream.put(changes(9))
    batch = claimed(stream, limit=5)
    Batch.objects.filter(pk=batch.pk).update(attempt=recovery.OFTEN)
    order = []
    real = archive.archive
    monkeypatch.setattr(
        archive,
        "archive",
        lambda each, *more, **less: (order.append(each.pk), real(each, *more, **less))[1],
    )
    assert once(stream).archived == 9
    assert order[-1] == batch.pk
    assert f"batch {batch.pk} was started {recovery.OFTEN} times" in alerts()
    check_exactly_once(9)
