"""The rows of messages: made once, claimed by one sender, recorded by the claim alone. [N-4,
O-6]
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from tests.support.sending import states, triggered_wave
from waves.choices import Channel
from waves.models import Send
from waves.sending import accounts, send_rows
from waves.sending.send_rows import Messages

pytestmark = pytest.mark.django_db(transaction=True)


def test_n4_the_key_is_made_with_the_row_from_wave_fan_and_channel():
    wave = triggered_wave(2, emails=2)
    send_rows.make_sends(wave)
    for row in Send.objects.filter(wave=wave).select_related("member"):
        named = "\x1f".join([wave.name, row.member.global_user_id, row.channel])
        assert row.key.hex == hashlib.sha256(named.encode()).hexdigest()[:32]
        assert row.attempts == 0


def test_n4_making_the_rows_twice_adds_nothing():
    wave = triggered_wave(5, emails=3)
    assert send_rows.make_sends(wave) == 10
    assert send_rows.make_sends(wave) == 0
    assert Send.objects.filter(wave=wave).exclude(queued_at=None).count() == 3


def test_o6_a_sender_that_was_taken_over_records_nothing():
    wave = triggered_wave(3)
    send_rows.make_sends(wave)
    slow, quick = accounts.uuid.uuid4(), accounts.uuid.uuid4()
    sms = Messages(wave.pk, Channel.SMS)
    rows = send_rows.claim(sms, slow, after=0, limit=3, lease=timedelta(seconds=-1))
    send_rows.take_over(sms, honours_keys=True)
    send_rows.claim(sms, quick, after=0, limit=3, lease=timedelta(seconds=30))
    assert send_rows.record_sent(slow, [(row, "late") for row in rows]) == 0
    assert states(wave) == {"sending": 3}


def test_o6_two_claims_never_share_a_row():
    wave = triggered_wave(10)
    send_rows.make_sends(wave)
    lease = timedelta(seconds=30)
    sms = Messages(wave.pk, Channel.SMS)
    first = send_rows.claim(sms, accounts.uuid.uuid4(), after=0, limit=6, lease=lease)
    second = send_rows.claim(sms, accounts.uuid.uuid4(), after=0, limit=6, lease=lease)
    assert len({row.id for row in first + second}) == len(first) + len(second) == 10
