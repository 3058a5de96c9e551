"""A wave is triggered by a person, or by who sends it: not before its time, not late, and not with
other messages than were approved. [W-2, W-11, X-5]
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.database import kept
from tests.support.waves import NOTIFY, held, person
from waves.choices import WaveState
from waves.errors import ContentChanged, NotDue, ReasonMissing, TooLate, WrongState
from waves.models import Assignment, Template, Wave
from waves.schedule import check_due_waves
from waves.sending.triggering import trigger

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def test_nothing_happens_before_the_notify_date():
    wave = kept.scheduled()
    assert not check_due_waves(now=NOTIFY - SECOND)
    with pytest.raises(NotDue):
        trigger(wave, by=None, now=NOTIFY - SECOND)
    assert not Assignment.objects.exists()


def test_w11_a_sender_that_comes_too_late_finds_the_wave_held():
    wave = kept.scheduled()
    with pytest.raises(TooLate, match="is now held"):
        trigger(wave, by=None, now=NOTIFY + timedelta(hours=2) + SECOND)
    assert Wave.objects.get(pk=wave.pk).state == WaveState.HELD
    assert not Assignment.objects.exists()


def test_x5_a_held_wave_whose_messages_changed_is_not_sent_but_approved_again():
    wave = held(kept.scheduled())
    Template.objects.create(campaign=wave.campaign, channel="sms", body="new text {code}")
    with pytest.raises(ContentChanged, match="nothing was sent"):
        trigger(wave, by=person("bob"), now=NOTIFY + timedelta(hours=4), reason="now")
    assert wave.state == WaveState.PREPARED


def test_w2_a_held_wave_is_sent_with_a_reason_alone():
    wave = held(kept.scheduled())
    with pytest.raises(ReasonMissing):
        trigger(wave, by=person("bob"), now=NOTIFY + timedelta(hours=4), reason=" ")
    assert wave.state == WaveState.HELD


def test_w2_who_saw_a_wave_scheduled_does_not_send_it_held_without_a_reason():
    seen = kept.scheduled()
    held(Wave.objects.get(pk=seen.pk))
    with pytest.raises(WrongState):
        trigger(seen, by=person("bob"), now=NOTIFY)
    assert not Assignment.objects.exists()
