"""What is published: rows whose positions have no gaps, each key once. [T-1, S-12]"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from datalake import streams
from datalake.models import StreamBatch
from tests.support.lake import publish_registrations, publish_scores

pytestmark = pytest.mark.django_db


def test_publishing_a_key_again_changes_nothing_and_says_so():
    """[S-12]"""
    first = publish_scores(5_000)
    publish_scores(10, first=9_000, key="scorefile:2")
    again = publish_scores(5_000)
    assert again == streams.Published(position=first.position, batches=2, repeated=2)
    assert streams.records_after("scored", 0) == 5_010


def test_a_publication_that_broke_off_is_completed_by_the_next():
    """[S-12]"""
    publish_scores(2_500)
    assert publish_scores(6_000) == streams.Published(position=3, batches=3, repeated=1)
    assert streams.records_after("scored", 0) == 6_000


def test_each_stream_counts_its_own_positions():
    publish_scores(1)
    assert publish_registrations(1, key="a").position == 1


def test_what_a_publisher_rolls_back_was_never_there():
    with transaction.atomic():
        publish_registrations(1, key="a")
        transaction.set_rollback(True)
    assert publish_registrations(2, key="b").position == 1


@pytest.mark.django_db(transaction=True)
def test_positions_become_visible_without_gaps_while_many_publish_at_once():
    """[T-1]"""

    def publisher(number):
        try:
            for turn in range(10):
                publish_registrations(number, key=f"{number}:{turn}")
        finally:
            connection.close()

    seen = []
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(publisher, number) for number in range(4)]
        while not all(each.done() for each in running):
            seen.append(
                list(StreamBatch.objects.order_by("position").values_list("position", flat=True))
            )
        for each in running:
            each.result()
    seen.append(list(StreamBatch.objects.order_by("position").values_list("position", flat=True)))
    assert all(positions == list(range(1, len(positions) + 1)) for positions in seen)
    assert len(seen[-1]) == 40


def test_o10_what_follows_batches_that_were_deleted_is_found():
    """[O-10, T-1]"""
    for key in "abcd":
        publish_registrations(1, key=key)
    StreamBatch.objects.filter(position__in=(1, 3)).delete()
    assert [streams.extent("input", after, 1) for after in range(5)] == [2, 2, 4, 4, 4]
    assert streams.extent("input", 0, 2) == 4
    assert [batch.position for batch in streams.read("input", 1, 4)] == [2, 4]
