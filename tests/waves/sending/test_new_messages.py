"""The rows of a wave's messages are made once, with their keys. [N-4]"""

from __future__ import annotations

import hashlib

import pytest

from operations.database.statements import rows
from tests.support.sending import triggered_wave
from waves.models import Send, Wave
from waves.sending import new_messages

pytestmark = pytest.mark.django_db(transaction=True)


def test_n4_the_key_is_made_with_the_row_from_wave_fan_and_channel():
    wave = triggered_wave(2, emails=2)
    new_messages.make_sends(wave)
    for row in Send.objects.filter(wave=wave).select_related("member"):
        named = "\x1f".join([wave.name, row.member.global_user_id, row.channel])
        assert row.key.hex == hashlib.sha256(named.encode()).hexdigest()[:32]
        assert row.attempts == 0


def test_n4_the_planner_knows_a_large_waves_rows_before_the_first_is_claimed(monkeypatch):
    """By the statistics of older waves no row has such an id, and a claim sorts all that are
    left.
    """
    monkeypatch.setattr(new_messages, "MANY", 80)
    for count in (5, 40):
        new_messages.make_sends(triggered_wave(count))
    ((known,),) = rows("SELECT reltuples FROM pg_class WHERE oid = 'waves_send'::regclass")
    assert known == Send.objects.count() == 90


def test_n4_making_the_rows_twice_adds_nothing():
    wave = triggered_wave(5, emails=3)
    assert new_messages.make_sends(wave) == 10
    assert new_messages.make_sends(wave) == 0
    assert Send.objects.filter(wave=wave).exclude(queued_at=None).count() == 3


def test_n1_n6_no_e_mail_replaces_a_failed_sms_where_what_was_left_is_cancelled():
    wave = triggered_wave(2, emails=2, channels="sms_first", state="completed")
    new_messages.make_sends(wave)
    Send.objects.filter(wave=wave).update(state="failed", reason="http_400")
    Wave.objects.filter(pk=wave.pk).update(queue="cancelled")
    wave.refresh_from_db()
    assert new_messages.queue_emails_instead(wave) == 0
