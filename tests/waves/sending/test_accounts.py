"""The account's row: slots under a lease, permits, pause. [N-2, N-3, N-6]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from operations.models import Alert, StatusChange
from tests.support.sending import FAST, triggered_wave
from waves.models import ProviderAccount, Sender
from waves.providers import registry
from waves.sending import accounts, pacing

pytestmark = pytest.mark.django_db(transaction=True)


def test_n2_a_dead_senders_slots_are_free_when_its_lease_is_over_by_the_databases_clock(
    monkeypatch,
):
    wave = triggered_wave(1)
    accounts.account("sms_http")
    one, two = accounts.uuid.uuid4(), accounts.uuid.uuid4()
    lease = timedelta(seconds=15)

    def slots_of(sender, busy=0):
        return accounts.take_slots(
            "sms_http", sender, wave.pk, limits=FAST, in_flight=busy, lease=lease
        ).count

    assert slots_of(one) == 50
    assert slots_of(two) == 0
    assert slots_of(one, busy=40) == 25
    ahead = timezone.now() + timedelta(seconds=20)
    with monkeypatch.context() as patch:  # a machine whose clock is wrong
        patch.setattr(timezone, "now", lambda: ahead)
        assert slots_of(two) == 10
        assert accounts.in_flight() == 40
        assert Sender.objects.get(pk=two).lease_until < ahead
        accounts.release_slots("sms_http", two)
        assert accounts.account("sms_http").in_flight == 40
        assert slots_of(two) == 10
    assert slots_of(one, busy=20) == 25
    assert slots_of(two) == 25
    Sender.objects.filter(pk=one).update(lease_until=Now())
    assert slots_of(two) == 50
    assert connection.in_atomic_block is False


def test_n6_what_a_rehearsal_records_is_not_in_flight():
    """X-6"""
    wave, lease = triggered_wave(1), timedelta(seconds=15)
    for name, busy in (("sms_http", 3), (registry.RECORDER.name, 20)):
        accounts.account(name)
        sender = accounts.uuid.uuid4()
        accounts.take_slots(name, sender, wave.pk, limits=FAST, in_flight=busy, lease=lease)
    assert (accounts.in_flight(), accounts.in_flight(wave=wave)) == (3, 3)


def test_n6_pausing_and_resuming_are_done_once_and_recorded_and_alert():
    assert [accounts.pause("sms_http", "drill") for _ in range(2)] == [True, False]
    assert accounts.take_permits("sms_http", per_second=10) is None
    assert [accounts.resume("sms_http") for _ in range(2)] == [True, False]
    assert accounts.take_permits("sms_http", per_second=10) is not None
    moves = StatusChange.objects.filter(subject_kind="account", subject_id="sms_http").order_by(
        "id"
    )
    assert list(moves.values_list("to_state", flat=True)) == ["paused", "sending"]
    assert Alert.objects.filter(text__contains="drill").count() == 1


def test_n6_stopping_all_pauses_the_account_of_every_provider_and_resuming_lets_them_go():
    names = [provider.name for provider in registry.ALL]
    assert accounts.stop_all("drill") == names
    assert accounts.stop_all("again") == []
    assert accounts.resume_all("over") == names


def test_n6_where_stopping_all_fails_nothing_is_paused_that_another_one_would_send_for(monkeypatch):
    """The second SMS provider would take over from the first. [N-9]"""

    def away(text):
        if Alert.objects.exists():
            raise OSError("away")
        Alert.objects.create(text=text)

    monkeypatch.setattr(accounts.alerts, "alert", away)
    with pytest.raises(OSError, match="away"):
        accounts.stop_all("drill")
    assert not ProviderAccount.objects.filter(paused=True).exists()


def test_n2_two_blocks_of_permits_never_overlap():
    accounts.account("sms_http")
    first, second = (accounts.take_permits("sms_http", per_second=100) for _ in range(2))
    assert second.first >= first.first + first.count * pacing.spacing(100) - 1e-6


def test_n3_holding_off_moves_the_next_permits():
    accounts.account("sms_http")
    before = accounts.take_permits("sms_http", per_second=100)
    accounts.hold_off("sms_http", 30)
    after = accounts.take_permits("sms_http", per_second=100)
    assert after.first >= before.database_now + 30
