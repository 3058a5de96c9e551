"""A person replays or settles one dead letter. [T-1, O-7]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from datalake.dead_letters import replay, settle
from datalake.models import DeadLetter, StreamBatch
from operations.models import StatusChange
from tests.datalake.dead_letters.letter_rows import a_letter

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
