"""Dead letters are found by what a person asks for, however many there are. [T-1]"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from datalake.dead_letters import found
from datalake.dead_letters.found import Asked
from tests.datalake.dead_letters.letter_rows import a_letter

pytestmark = pytest.mark.django_db


def numbers(asked: Asked) -> list[int]:
    """What the pages show; a job takes the same."""
    shown = [letter.pk for letter in found.stretch(asked, most=50).letters]
    assert sorted(shown) == sorted(found.matching(asked).values_list("pk", flat=True))
    return shown


def test_t1_letters_are_found_by_state_consumer_place_reason_and_time():
    now = timezone.now()
    day = datetime(2026, 1, 20, 23, 59, tzinfo=UTC)
    first = a_letter()
    other = a_letter("date: missing", consumer="registrations")
    shard = a_letter(source="input/shard-1")
    file = a_letter(source="file:avro/x.avro#1")
    queue = a_letter(source="queue:verdict")
    replayed = a_letter(replayed_at=now)
    settled = a_letter(dropped_at=now)
    old = a_letter(created_at=day)
    waiting = [old, queue, file, shard, other, first]
    assert numbers(Asked()) == [letter.pk for letter in waiting]
    assert numbers(Asked(state="replayed")) == [replayed.pk]
    assert numbers(Asked(state="settled")) == [settled.pk]
    assert len(numbers(Asked(state="all"))) == 8
    assert numbers(Asked(consumer="registrations")) == [other.pk]
    assert numbers(Asked(place="input")) == [old.pk, shard.pk, other.pk, first.pk]
    assert numbers(Asked(place="files")) == [file.pk]
    assert numbers(Asked(place="queues")) == [queue.pk]
    assert numbers(Asked(like=other.pk)) == [other.pk]
    assert numbers(Asked(like=other.pk, consumer="lake")) == []
    assert numbers(Asked(like=987)) == []
    assert numbers(Asked(state="replayed", like=first.pk, consumer="lake")) == [replayed.pk]
    assert numbers(Asked(until=date(2026, 1, 20))) == [old.pk]
    assert numbers(Asked(since=date(2026, 1, 20), until=date(2026, 1, 20))) == [old.pk]
    assert numbers(Asked(until=date(2026, 1, 19))) == []
    assert old.pk not in numbers(Asked(since=date(2026, 1, 21)))


def test_t1_a_stretch_looks_at_so_many_letters_and_says_how_far(monkeypatch):
    monkeypatch.setattr(found, "WINDOW", 3)
    rare, *others = [a_letter(source="scored"), *(a_letter() for _ in range(4))]
    asked = Asked(place="scored")
    first = found.stretch(asked, most=2)
    assert (first.letters, first.searched_to) == ([], others[1].pk)
    second = found.stretch(asked, after=first.searched_to, most=2)
    assert (second.letters, second.searched_to) == ([rare], None)
    back = found.stretch(asked, before=rare.pk, most=2)
    assert (back.letters, back.searched_to) == ([], others[2].pk)
    full = found.stretch(Asked(), most=2)
    assert (full.letters, full.searched_to) == ([others[3], others[2]], None)


def test_t1_reasons_and_consumers_of_waiting_letters_are_listed_and_counted_to_a_limit(monkeypatch):
    monkeypatch.setattr(found, "MOST_COUNTED", 1)
    letters = [a_letter(error) for error in ("b", "a", "b", "b")]
    a_letter("c", replayed_at=timezone.now(), consumer="gone")
    listed = [(each.error, each.letter, each.count) for each in found.reasons()]
    assert listed == [("a", letters[1].pk, 1), ("b", letters[0].pk, 2)]
    assert found.consumers() == ["lake"]
    monkeypatch.setattr(found, "MOST_REASONS", 1)
    assert len(found.reasons()) == 1


def test_what_a_job_is_asked_for_comes_back_as_it_was():
    asked = Asked(consumer="lake", like=7, since=date(2026, 1, 1), until=date(2026, 2, 1))
    assert Asked.from_json(asked.as_json()) == asked
    assert Asked().as_json() == {"state": "waiting"}


def test_letters_that_were_stamped_out_of_order_are_found_by_their_time():
    late = datetime(2026, 1, 20, 0, 10, tzinfo=UTC)
    first = a_letter(created_at=late)
    a_letter(created_at=late - timedelta(minutes=20))
    assert numbers(Asked(since=date(2026, 1, 20))) == [first.pk]


def test_t1_letters_that_wait_are_counted_for_each_consumer_to_a_limit(monkeypatch):
    monkeypatch.setattr(found, "MOST_COUNTED", 1)
    for consumer in ("lake", "lake", "lake", "registrations"):
        a_letter(consumer=consumer)
    a_letter(consumer="gone", replayed_at=timezone.now())
    assert found.waiting_of_each() == {"lake": 2, "registrations": 1}


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Asked(), "deadletter_waiting"),
        (Asked(consumer="lake"), "deadletter_by_consumer"),
        (Asked(consumer="lake", like=1), "deadletter_by_reason"),
        (Asked(state="all", consumer="lake"), "datalake_deadletter_pkey"),
    ],
)
def test_t1_letters_are_read_along_the_one_index_that_narrows_them_most(asked, index):
    """The planner does not know that all letters of a reason may be old."""
    if asked.like:
        asked = replace(asked, like=a_letter().pk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE datalake_deadletter")  # or it plans for the rows of other tests
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        with CaptureQueriesContext(connection) as queries:
            found.stretch(asked, after=7, most=2)
        (statement,) = (each["sql"] for each in queries if "LIMIT 2" in each["sql"][-9:])
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert re.findall(r"using (\w+) on", plan) == [index]
