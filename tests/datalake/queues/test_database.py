"""The queue in the database: claimed, acknowledged, refused. [T-4]"""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from datalake import queues
from datalake.models import DeadLetter, QueueMessage
from datalake.queues import Outgoing
from datalake.queues.database import MOST_RECEIVES

pytestmark = pytest.mark.django_db


def put(*ids: str) -> None:
    queues.put("verdict", [Outgoing(each, {"fan": each}) for each in ids])


def received() -> list[str]:
    return [each.id for each in queues.receive("verdict")]


def the_claims_run_out() -> None:
    QueueMessage.objects.update(visible_at=Now())


def test_t4_a_message_that_is_received_comes_again_only_when_its_claim_runs_out():
    put("b", "a")
    [first] = queues.receive("verdict", limit=1)
    assert (first.id, first.body, first.receives) == ("b", '{"fan":"b"}', 1)
    assert received() == ["a"]
    assert received() == []
    the_claims_run_out()
    assert received() == ["b", "a"]


def test_t4_what_is_acknowledged_never_comes_again_and_only_who_has_it_acknowledges_it():
    put("a")
    [late] = queues.receive("verdict")
    the_claims_run_out()
    [now] = queues.receive("verdict")
    assert not queues.acknowledge("verdict", late)
    assert queues.acknowledge("verdict", now)
    assert not queues.acknowledge("verdict", now)
    the_claims_run_out()
    assert received() == []


def test_t4_a_message_that_is_never_acknowledged_becomes_a_dead_letter():
    put("a", "b")
    for _ in range(MOST_RECEIVES):
        the_claims_run_out()
        assert received() == ["a", "b"]
    assert received() == []
    assert not DeadLetter.objects.exists()  # who has it may still end well
    the_claims_run_out()
    assert received() == []
    assert DeadLetter.objects.filter(source="queue:verdict").count() == 2


def test_t4_a_message_that_is_refused_is_a_dead_letter_at_once():
    put("a")
    [message] = queues.receive("verdict")
    queues.refuse("verdict", message, "no such fan")
    queues.refuse("verdict", message, "no such fan")
    assert DeadLetter.objects.get().error == "no such fan"
    assert queues.waiting("verdict") == 0


def test_t4_a_queue_in_the_database_hands_nothing_over():
    put("a")
    assert queues.hand_over("verdict", limit=10) is None
    assert queues.waiting("verdict") == 1
