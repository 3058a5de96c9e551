"""The rows of a queue. [T-4]"""

from __future__ import annotations

import json

import pytest
from django.db import transaction

from datalake import queues
from datalake.dead_letters import replay
from datalake.errors import MessageGone
from datalake.models import DeadLetter, QueueMessage
from datalake.queues import Outgoing, rows
from operations.models import Alert

pytestmark = pytest.mark.django_db


def put(*ids: str) -> int:
    return queues.put("verdict", [Outgoing(each, {"fan": each}) for each in ids])


def test_t4_a_message_that_is_put_again_stays_one():
    assert put("a", "b") == 2
    assert queues.put("verdict", [Outgoing("b", {"fan": "another"}), Outgoing("c", {})]) == 1
    assert [m.body for m in QueueMessage.objects.order_by("pk")] == [
        '{"fan":"a"}',
        '{"fan":"b"}',
        "{}",
    ]
    assert queues.waiting("verdict") == 3


def test_t4_messages_of_a_transaction_that_is_rolled_back_are_not_put():
    with transaction.atomic():
        put("a")
        transaction.set_rollback(True)
    assert queues.waiting("verdict") == 0


def test_t4_a_message_that_became_a_dead_letter_is_replayed_and_may_die_again():
    put("a")
    found = QueueMessage.objects.all()
    for number in (0, 1):
        assert rows.make_dead_letters("verdict", found, "it is broken") == 1
        assert rows.make_dead_letters("verdict", found, "it is broken") == 0
        letter = DeadLetter.objects.latest("pk")
        assert (letter.consumer, letter.source) == ("verdict-queue", "queue:verdict")
        assert (letter.index, json.loads(letter.record)) == (number, {"fan": "a"})
        assert replay.place_of(letter) == "queue verdict"
        assert queues.waiting("verdict") == 0
        assert replay.replay(letter.pk)
        assert not replay.replay(letter.pk)
        assert queues.waiting("verdict") == 1
    assert Alert.objects.count() == 2
    assert found.get().body == '{"fan":"a"}'


def test_t4_a_message_that_dies_again_after_its_first_letter_was_deleted_by_age_has_one_that_waits():
    put("a")
    found = QueueMessage.objects.all()
    for _ in range(2):
        rows.make_dead_letters("verdict", found, "it is broken")
        replay.replay(DeadLetter.objects.latest("pk").pk)
    DeadLetter.objects.earliest("pk").delete()
    rows.make_dead_letters("verdict", found, "it is broken")
    assert replay.replay(DeadLetter.objects.waiting().get().pk)


def test_t1_the_letter_of_a_message_that_is_gone_waits_until_it_is_settled():
    put("a")
    rows.make_dead_letters("verdict", QueueMessage.objects.all(), "it is broken")
    QueueMessage.objects.all().delete()
    with pytest.raises(MessageGone, match="no longer in the queue verdict"):
        replay.replay(DeadLetter.objects.get().pk)
    assert DeadLetter.objects.waiting().exists()
