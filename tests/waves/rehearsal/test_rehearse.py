"""A whole wave is sent to the recording provider, and nothing else happens. [X-6]"""

from __future__ import annotations

import smtplib
import socket
import threading
import urllib.request
import uuid
from datetime import timedelta

import aiohttp
import pytest
from django.core import mail
from django.db import connection

from operations.models import StatusChange
from tests.support.database import kept
from tests.support.sending import FAST, QUICK
from tests.support.waiting import wait_until
from tests.support.waves import (
    NOW,
    approve,
    person,
    published,
)
from waves.choices import Channel
from waves.errors import WrongState
from waves.models import Assignment, Code, Member, Rehearsal, RehearsalSend, Send, Wave
from waves.providers import registry
from waves.providers.http_session import HttpSession
from waves.rehearsal import rehearse
from waves.rehearsal.rows import REHEARSED
from waves.sending import send_rows
from waves.sending.accounts import Limits
from waves.sending.send_rows import Messages
from waves.sending.sender import Ended

pytestmark = pytest.mark.django_db(transaction=True)
DEAD, OVER = uuid.uuid4(), timedelta(seconds=-1)


@pytest.fixture
def wave() -> Wave:
    return kept.prepared()


def rehearsed(wave: Wave, **options):
    return rehearse.rehearse(
        rehearse.begin(wave, by=person("ann")).pk, limits=FAST, timing=QUICK, **options
    )


def test_x6_a_rehearsal_reaches_nobody_whatever_the_settings_say(wave, box, settings, monkeypatch):
    settings.SMS_URL, settings.SMS_PROVIDER = box.url, "http"

    def refuse(*args, **kwargs):
        raise AssertionError("a rehearsal must not connect")

    for owner, name in (
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (HttpSession, "ask"),
        (aiohttp.TCPConnector, "connect"),
        (smtplib.SMTP, "connect"),
        (urllib.request, "urlopen"),
        (registry, "sms_client"),
        (registry, "email_client"),
    ):
        monkeypatch.setattr(owner, name, refuse)
    before = Wave.objects.filter(pk=wave.pk).values().get()
    codes = list(Code.objects.order_by("pk").values())
    result = rehearsed(wave)
    monkeypatch.undo()
    assert (result["total"], result["ok"], result["pending"]) == (10, 10, 0)
    assert result["detail"] == {
        "sms": {"sent": 10, "failed": 0, "delivered": 0, "undeliverable": 0},
        "email": {"queued": 10, "sent": 10, "failed": 0, "delivered": 0, "undeliverable": 0},
    }
    assert (result["state"], result["ended"]) == ("done", "")
    assert (box.received()["sms"]["requests"], mail.outbox) == (0, [])
    assert not Send.objects.exists()
    assert not Assignment.objects.exists()
    assert published() == []
    assert Wave.objects.filter(pk=wave.pk).values().get() == before
    assert list(Code.objects.order_by("pk").values()) == codes


def test_x6_its_result_is_kept_with_who_when_and_how_fast(wave):
    rehearsed(wave)
    kept = Rehearsal.objects.get(wave=wave)
    assert (kept.by.username, kept.ok, kept.total) == ("ann", 10, 10)
    assert kept.per_second > 0
    assert kept.finished_at > kept.started_at
    assert StatusChange.objects.filter(subject_id=wave.name, to_state="rehearsal started").exists()
    again = rehearse.begin(wave, by=person("ann"))
    assert RehearsalSend.objects.filter(rehearsal=kept).count() == 20  # who begins waits for none
    rehearse.rehearse(again.pk, limits=FAST, timing=QUICK)
    assert Rehearsal.objects.filter(wave=wave).count() == 2
    assert RehearsalSend.objects.count() == 20  # the messages are those of the last one


def test_x6_one_that_was_killed_goes_on_and_sends_each_message_once(wave):
    rehearsal = rehearse.begin(wave, by=person("ann"))
    rehearse.make_rows(rehearsal)
    for channel in Channel:
        messages = Messages(rehearsal.pk, channel, REHEARSED)
        send_rows.claim(messages, DEAD, after=0, limit=4, lease=OVER)
    assert rehearse.begin(wave, by=None) == rehearsal
    result = rehearse.rehearse(rehearsal.pk, limits=FAST, timing=QUICK)
    assert (result["ok"], result["state"]) == (10, "done")
    assert set(RehearsalSend.objects.values_list("state", flat=True)) == {"sent"}


def test_n6_a_rehearsal_can_be_stopped_while_it_runs(wave):
    rehearsal = rehearse.begin(wave, by=person("ann"))
    slow = Limits(per_second=1, concurrency=1)
    found = []

    def work() -> None:
        try:
            found.append(rehearse.rehearse(rehearsal.pk, limits=slow, timing=QUICK))
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    sent = RehearsalSend.objects.filter(state="sent")
    wait_until(sent.exists, "the first message")
    assert rehearse.stop(rehearsal, by=person("bob"))
    thread.join(20)
    assert (found[0]["state"], found[0]["ended"]) == ("stopped", "stopped by bob")
    assert found[0]["pending"] > 0
    assert sum(found[0][name] for name in ("ok", "failed", "skipped", "unknown", "pending")) == 10
    assert not rehearse.stop(rehearsal, by=None)
    assert rehearse.begin(wave, by=None) != rehearsal


def test_x6_what_a_stopped_rehearsal_came_to_is_kept_when_the_next_one_took_its_messages(
    wave, monkeypatch
):
    rehearsal = rehearse.begin(wave, by=None)

    def overtaken(setup, composer):
        rehearse.stop(rehearsal, by=None)
        rehearsed_again = rehearse.begin(wave, by=None)
        monkeypatch.undo()
        rehearse.rehearse(rehearsed_again.pk, limits=FAST, timing=QUICK)
        return Ended("the rehearsal was stopped", 0, 0.0)

    monkeypatch.setattr(rehearse, "send_all", overtaken)
    rehearse.rehearse(rehearsal.pk, limits=FAST, timing=QUICK)
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.total, rehearsal.pending) == ("stopped", 10, 10)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": "cancelled"}, "the wave is cancelled"),
        ({"content_digest": "0" * 64}, "the wave's content changed"),
    ],
)
def test_x6_a_wave_that_moves_on_or_changes_ends_its_rehearsal(wave, change, why):
    rehearsal = rehearse.begin(wave, by=None)
    Wave.objects.filter(pk=wave.pk).update(**change)
    result = rehearse.rehearse(rehearsal.pk, limits=FAST, timing=QUICK)
    assert (result["state"], result["ended"], result["ok"]) == ("stopped", why, 0)


def test_x6_a_rehearsal_is_of_a_wave_before_it_is_sent(wave):
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    assert rehearsed(wave)["state"] == "done"
    wave.refresh_from_db()
    assert wave.state == "approved"
    Wave.objects.filter(pk=wave.pk).update(state="triggered")
    with pytest.raises(WrongState):
        rehearse.begin(wave, by=None)


def test_x6_a_members_row_may_go_while_the_rehearsal_is_kept(wave):
    rehearsed(wave)
    Member.objects.filter(wave=wave).delete()
    assert Rehearsal.objects.get().ok == 10


def test_x6_messages_are_kept_for_a_week(wave):
    rehearsed(wave)
    assert rehearse.forget_old() == 0
    Rehearsal.objects.update(finished_at=NOW)
    assert rehearse.forget_old() == 20
    assert Rehearsal.objects.get().ok == 10
