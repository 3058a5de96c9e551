"""Senders are real processes: some are killed at any moment, some work side by side; and one that
rehearses. [N-2, N-4, O-6, X-6]
"""

from __future__ import annotations

import os
import random
import secrets
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

import sandbox
from operations.choices import JobState
from operations.database.statements import rows
from operations.models import Job
from tests.faults.test_taken_over import wait_for_lease_to_end, worker
from tests.support.processes import Process
from tests.support.sending import triggered_wave
from tests.support.waiting import wait_until
from tests.support.waves import NOW, campaign_with, person, request
from tests.waves.providers.email_django import mail_server
from waves.models import Rehearsal, RehearsalSend, Send, Sender, Wave
from waves.preparation.prepare import prepare
from waves.sending import email_queue, new_messages
from waves.sending.accounts import Limits
from waves.sending.run import Timing
from waves.sending.send_wave import send_wave
from waves.tasks import run_rehearsal, start_rehearsal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
FULL = bool(os.environ.get("FAIRWAVE_FULL"))
KILLS, MEMBERS = (50, 20_000) if FULL else (3, 1_200)
EMAIL_KILLS, EMAIL_FANS = (50, 20_000) if FULL else (2, 60)
CONNECTIONS = 5
SEED = secrets.randbelow(2**40) if FULL else 1
REHEARSAL_KILLS = [
    ("waves.sending.send_rows:record_sent", False),  # SMS are recorded by the provider alone
    ("waves.rehearsal.rehearse:make_rows", False),
    ("waves.rehearsal.rehearse:make_rows", True),
    ("waves.sending.send_rows:claim", True),
    ("waves.sending.send_rows:record_sent", True),
    ("waves.rehearsal.rehearse:_send", False),
    ("waves.rehearsal.rehearse:_send", True),
    ("waves.rehearsal.rehearse:_finish", False),
    ("waves.rehearsal.rehearse:_finish", True),
]


def points(kills: int, members: int) -> list[int]:
    """After how many accepted messages the senders are killed: anywhere, in the long run."""
    print(f"seed {SEED}")  # noqa: T201
    return sorted(random.Random(SEED).sample(range(5, members * 9 // 10), kills))


def sent(
    wave: int,
    url: str,
    per_second: int,
    concurrency: int,
    honours_keys: bool,
    minutes_ahead: int = 0,
) -> dict:
    """In a process of its own, whose clock is wrong by so many minutes: send the wave."""
    now, instant = time.time, timezone.now
    time.time = lambda: now() + 60 * minutes_ahead
    timezone.now = lambda: instant() + timedelta(minutes=minutes_ahead)
    # a busy machine answers late; what a killed sender held is taken from it by the test
    timing = Timing(timeout=60.0, check_every=0.1, row_lease=120.0)
    settings.SMS_URL, settings.SMS_HONOURS_KEYS = url, honours_keys
    return send_wave(wave, limits=Limits(per_second, concurrency), timing=timing)


def start(wave, box, *, per_second, concurrency, honours_keys=True, minutes_ahead=0):
    return Process(sent, wave.pk, box.url, per_second, concurrency, honours_keys, minutes_ahead)


def kill_after(process, box, accepted):
    """Kill the sender once the sandbox has accepted so many, requests being in flight; what it held
    is free at once.
    """

    def far_enough():
        assert process.is_running, "the sender ended before it could be killed"
        return box.received()["sms"]["accepted"] >= accepted

    wait_until(far_enough, f"{accepted} accepted messages")
    box.control(latency_ms=3_000)
    wait_until(lambda: Send.objects.filter(state="sending").exists(), "requests in flight")
    process.kill()
    box.control(latency_ms=40)
    long_ago = timezone.now() - timedelta(days=1)
    Send.objects.filter(state="sending").update(lease_until=long_ago)
    Sender.objects.update(lease_until=long_ago)


def test_n4_after_any_number_of_kills_nobody_is_missed_and_no_key_was_accepted_twice():
    members = MEMBERS
    wave = triggered_wave(members)
    with sandbox.running(latency_ms=40, jitter_ms=40) as box:
        left_in_flight = 0
        for accepted in points(KILLS, members):
            process = start(wave, box, per_second=400, concurrency=60)
            kill_after(process, box, accepted)
            left_in_flight += Send.objects.filter(wave=wave, state="sending").count()
        report = start(wave, box, per_second=5_000, concurrency=60).result()
        counts = box.received()["sms"]
        accepted = {message["key"] for message in box.messages()}
    assert left_in_flight > 0
    assert (report["ok"], report["total"], report["state"]) == (members, members, "completed")
    assert accepted == {
        str(key)
        for key in Send.objects.filter(wave=wave, channel="sms").values_list("key", flat=True)
    }
    assert counts["keys_accepted_twice"] == 0
    assert counts["accepted"] == members


def test_n4_a_kill_where_keys_mean_nothing_leaves_unknowns_and_doubles_nobody():
    wave = triggered_wave(500)
    with sandbox.running(latency_ms=60, honour_keys=False) as box:
        kill_after(start(wave, box, per_second=400, concurrency=40, honours_keys=False), box, 100)
        report = start(wave, box, per_second=5_000, concurrency=40, honours_keys=False).result()
        counts = box.received()["sms"]
        accepted = {message["key"] for message in box.messages()}
    unknown = {
        str(key)
        for key in Send.objects.filter(wave=wave, state="unknown").values_list("key", flat=True)
    }
    sent = {
        str(key)
        for key in Send.objects.filter(wave=wave, state="sent").values_list("key", flat=True)
    }
    assert report["ok"] + report["unknown"] == 500
    assert 0 < len(unknown) <= 40, "no more than could be in flight"
    assert sent <= accepted <= sent | unknown
    assert counts["keys_accepted_twice"] == 0


def test_n2_senders_in_several_processes_together_keep_to_the_accounts_rate_and_concurrency():
    """Two work on one wave, a third on another, all through one account, and the clocks of two are
    wrong by a minute.
    """
    shared, other = triggered_wave(400), triggered_wave(200)
    with sandbox.running(latency_ms=80) as box:
        processes = [
            start(wave, box, per_second=150, concurrency=24, minutes_ahead=minutes)
            for wave, minutes in ((shared, 0), (shared, 1), (other, -1))
        ]
        reports = [process.result() for process in processes]
        counts = box.received()["sms"]
    assert [report["ok"] for report in reports] == [400, 400, 200]
    assert counts["max_started_per_second"] <= 150
    assert counts["max_concurrency"] <= 24
    assert (counts["accepted"], counts["repeats"]) == (600, 0)
    assert not Sender.objects.exists()


def begin_rehearsal(wave: Wave) -> Job:
    start_rehearsal(wave, by=person("ann"))
    return Job.objects.get(kind="rehearse_wave", subject_id=wave.name)


def end_of_rehearsal(wave: Wave) -> dict[str, Any]:
    """What there is in the end, whoever the fans are: each campaign draws its own."""
    rehearsal = Rehearsal.objects.get(wave=wave)
    messages = RehearsalSend.objects.filter(rehearsal=rehearsal)
    return {
        "rehearsal": (rehearsal.state, rehearsal.ended, rehearsal.ok, rehearsal.total),
        "messages": sorted(messages.values_list("channel", "state")),
        "recorded": messages.exclude(provider_id="").count(),
    }


@pytest.mark.parametrize(("point", "after"), REHEARSAL_KILLS if FULL else REHEARSAL_KILLS[:1])
def test_x6_after_a_killed_rehearsal_the_next_worker_sends_what_is_left(point, after, settings):
    settings.JOB_LEASE_SECONDS = 1
    wave, peaceful = (
        prepare(request(campaign_with(30)), by=person("ann"), now=NOW).wave for _ in range(2)
    )
    run_rehearsal(begin_rehearsal(peaceful).pk)
    job = begin_rehearsal(wave)
    assert worker(job, killed_at=point, after=after).wait() < 0
    wait_for_lease_to_end(job)
    # what the dead one held of messages and slots is free at once
    over = timezone.now() - timedelta(days=1)
    RehearsalSend.objects.filter(state="sending").update(lease_until=over)
    Sender.objects.update(lease_until=over)
    assert worker(job).wait() == 0
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.DONE, "")
    assert end_of_rehearsal(wave) == end_of_rehearsal(peaceful)


def delivered(port: int) -> dict[str, int]:
    """In a process of its own: send what is queued, over SMTP."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    # a busy machine answers late; what a killed sender held is taken from it by the test
    timing = Timing(timeout=60.0, check_every=0.05, row_lease=300.0, patience=0.0)
    return email_queue.deliver(limits=Limits(100_000, CONNECTIONS), timing=timing)


def sessions() -> set[int]:
    """Of the database's server processes, those that work for clients."""
    name = connection.settings_dict["NAME"]
    found = rows("SELECT pid FROM pg_stat_activity WHERE datname = %(name)s", name=name)
    return {pid for (pid,) in found}


def kill_emailing(
    process: Process, server: mail_server.Mailbox, taken: int, others: set[int]
) -> Counter[UUID]:
    """Kill the sender once the server took so many, others being in flight; returns how many it
    held, by claim. `others` are the sessions that are not the sender's.
    """

    def far_enough() -> bool:
        assert process.is_running, "the sender ended before it could be killed"
        return server.taken.total() >= taken

    wait_until(far_enough, f"{taken} e-mails")
    server.answers_again.clear()
    wait_until(lambda: Send.objects.filter(state="sending").exists(), "e-mails in flight")
    process.kill()
    # its last statement may be done after its death, and what that took was in flight, too
    wait_until(lambda: sessions() <= others, "the end of the dead sender's sessions")
    server.answers_again.set()
    long_ago = timezone.now() - timedelta(days=1)
    Sender.objects.update(lease_until=long_ago)
    just_held = Send.objects.filter(state="sending", lease_until__gt=timezone.now())
    held = dict(just_held.values_list("pk", "claim"))
    Send.objects.filter(pk__in=held).update(lease_until=long_ago)
    return Counter(held.values())


def test_n4_after_any_number_of_kills_no_fan_is_missed_or_sent_two_e_mails():
    fans = EMAIL_FANS
    wave = triggered_wave(fans, phones=0, emails=fans)
    new_messages.make_sends(wave)
    with mail_server.running() as server:
        in_flight, others = Counter[UUID](), sessions()
        for taken in points(EMAIL_KILLS, fans):
            sender = Process(delivered, server.port)
            in_flight += kill_emailing(sender, server, taken, others)
        last = Process(delivered, server.port).result()
    unknown = set(
        Send.objects.filter(wave=wave, state="unknown").values_list("member__email", flat=True)
    )
    sent = set(Send.objects.filter(wave=wave, state="sent").values_list("member__email", flat=True))
    assert last["left"] == 0
    assert len(sent) + len(unknown) == fans
    assert max(in_flight.values()) <= CONNECTIONS
    assert len(unknown) <= in_flight.total()
    assert set(server.taken.values()) == {1}
    assert sent <= set(server.taken) <= sent | unknown
