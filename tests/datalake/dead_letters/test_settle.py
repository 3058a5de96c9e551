"""A person replays or settles one dead letter. [T-1, O-7]"""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection

from datalake import save
from datalake.dead_letters import replay, settle
from datalake.models import DeadLetter, StreamBatch
from operations.models import StatusChange
from tests.datalake.dead_letters.letter_rows import a_letter
from tests.support.lake import registration

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("act", "state"), [("replay_one", "replayed"), ("settle_one", "settled")])
def test_t1_a_letter_is_settled_once_and_the_history_says_by_whom_and_why(act, state):
    ann, letter = User.objects.create(username="ann"), a_letter()
    for expected in (True, False):
        assert getattr(settle, act)(letter.pk, by=ann, reason="fixed the source") is expected
    letter = DeadLetter.objects.get()
    assert letter.state == state
    change = StatusChange.objects.about(settle.subject_of(letter.pk)).get()
    assert (change.from_state, change.to_state, change.by, change.reason) == (
        "waiting",
        state,
        ann,
        "fixed the source",
    )
    assert StreamBatch.objects.count() == (state == "replayed")


def test_t1_a_letter_that_was_settled_is_not_replayed():
    letter = a_letter()
    settle.settle_one(letter.pk, by=User.objects.create(username="ann"), reason="nobody wants it")
    assert not replay.replay(letter.pk)
    assert replay.replay_all() == 0
    assert not StreamBatch.objects.exists()


def test_t1_a_record_of_the_lake_is_written_in_no_transaction_and_its_history_once(monkeypatch):
    source = "file:avro/registration/2026/01/20/x.avro#0123456789abcdef"
    letter = a_letter(source=source, record=json.dumps(registration(5)))
    ann, real = User.objects.create(username="ann"), save.write_file
    around = list(connection.savepoint_ids)  # of the test

    def watched(*about):
        assert connection.savepoint_ids == around
        return real(*about)

    monkeypatch.setattr(save, "write_file", watched)
    for expected in (True, False):
        assert settle.replay_one(letter.pk, by=ann, reason="fixed the source") is expected
    assert StatusChange.objects.about(settle.subject_of(letter.pk)).get().to_state == "replayed"
