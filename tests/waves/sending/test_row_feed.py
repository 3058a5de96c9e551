"""Rows claimed ahead: those of dead senders, and those that were not started in time. [N-4]"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from tests.support.sending import send, states, triggered_wave
from waves.choices import Channel, SuppressedBy
from waves.models import Send
from waves.providers.sms_http.client import HttpSms
from waves.sending import accounts, new_messages, row_feed, send_rows
from waves.sending.accounts import Limits
from waves.sending.run import RunState, Timing
from waves.sending.send_rows import Messages
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, suppress

pytestmark = pytest.mark.django_db(transaction=True)


def test_n4_what_a_dead_sender_left_is_sent_again_with_the_same_key(box):
    wave = triggered_wave(10)
    new_messages.make_sends(wave)
    dead = accounts.uuid.uuid4()
    send_rows.claim(
        Messages(wave.pk, Channel.SMS), dead, after=0, limit=4, lease=timedelta(seconds=-1)
    )
    report = send(box, wave)
    assert report["ok"] == 10
    assert (
        list(
            Send.objects.filter(wave=wave, channel="sms", maybe_accepted=True).values_list(
                "attempts", flat=True
            )
        )
        == [2] * 4
    )


def test_n4_what_a_dead_sender_left_is_unknown_where_keys_mean_nothing(box):
    wave = triggered_wave(10)
    new_messages.make_sends(wave)
    sms = Messages(wave.pk, Channel.SMS)
    send_rows.claim(sms, accounts.uuid.uuid4(), after=0, limit=4, lease=timedelta(seconds=-1))
    report = send(box, wave, honours_keys=False)
    assert (report["ok"], report["unknown"], report["state"]) == (6, 4, "completed")
    assert box.received()["sms"]["requests"] == 6


def test_n4_what_waits_too_long_for_its_turn_is_given_back_not_unknown(box):
    wave = triggered_wave(30)
    patient = Timing(timeout=2.0, check_every=0.05, row_lease=2.1)
    report = send(
        box, wave, limits=Limits(per_second=20, concurrency=10), timing=patient, honours_keys=False
    )
    assert (report["ok"], report["unknown"]) == (30, 0)
    assert box.received()["sms"]["requests"] == 30


def test_n8_the_feed_goes_on_behind_whole_batches_that_are_skipped(box, monkeypatch):
    wave = triggered_wave(60)
    numbers = [f"+1202{fan:07d}" for fan in range(1, 41)]
    suppress([Contact(Channel.SMS, each) for each in numbers], Ground(SuppressedBy.STOP))
    claim, begun_after = send_rows.claim, list[int]()

    def noted(*args, after, **options):
        begun_after.append(after)
        return claim(*args, after=after, **options)

    monkeypatch.setattr(send_rows, "claim", noted)
    monkeypatch.setattr(row_feed, "MOST_CLAIMED", 10)
    report = send(box, wave)
    assert (report["ok"], report["skipped"], report["state"]) == (20, 40, "completed")
    assert begun_after[:6] == sorted(set(begun_after[:6]))


def test_n4_what_its_provider_has_forgotten_is_not_sent_again(box, monkeypatch):
    monkeypatch.setattr(HttpSms, "keys_last", timedelta(hours=1))
    wave = triggered_wave(2)
    new_messages.make_sends(wave)
    began = timezone.now() - timedelta(hours=2)
    Send.objects.filter(wave=wave, channel="sms").update(maybe_accepted=True, key_used_at=began)
    send(box, wave)
    assert states(wave) == {"unknown": 2}
    assert box.received()["sms"]["requests"] == 0


def test_n4_what_was_set_aside_for_being_late_is_given_back_when_the_run_ends():
    released = []

    class Thread:
        async def run(self, work, sender, rows, *, table):
            assert work is send_rows.release
            released.extend(rows)

    setup = SimpleNamespace(most=None, sender="me", messages=SimpleNamespace(table="t"))
    feed = row_feed.RowFeed(setup, RunState(), Thread())
    feed._rows.extend([("late", 1.0), ("in time", 9.0)])
    assert feed.has_row(5.0)
    asyncio.run(feed.give_back())
    assert released == ["late", "in time"]
