"""E-mail senders are real processes, some of which are killed: a mail server knows no keys. [N-4]"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from tests.support.processes import Process
from tests.support.sending import triggered_wave
from tests.support.waiting import wait_until
from tests.waves.providers.email_django import mail_server
from waves.models import Send, Sender
from waves.sending import email_queue, send_rows
from waves.sending.accounts import Limits
from waves.sending.run import Timing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
KILLS = 25 if os.environ.get("FAIRWAVE_FULL") else 2
CONNECTIONS, FANS_A_KILL = 5, 20


def delivered(port: int) -> dict[str, int]:
    """In a process of its own: send what is queued, over SMTP."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    # a busy machine answers late; what a killed sender held is taken from it by the test
    timing = Timing(timeout=60.0, check_every=0.05, row_lease=300.0, patience=0.0)
    return email_queue.deliver(limits=Limits(100_000, CONNECTIONS), timing=timing)


def kill_after(process: Process, server: mail_server.Mailbox, taken: int) -> int:
    """Kill the sender once the server took so many, others being in flight; returns how many were."""

    def far_enough() -> bool:
        assert process.is_running, "the sender ended before it could be killed"
        return server.taken.total() >= taken

    wait_until(far_enough, f"{taken} e-mails")
    server.answers_again.clear()
    wait_until(lambda: Send.objects.filter(state="sending").exists(), "e-mails in flight")
    process.kill()
    server.answers_again.set()
    long_ago = timezone.now() - timedelta(days=1)
    Sender.objects.update(lease_until=long_ago)
    just_held = Send.objects.filter(state="sending", lease_until__gt=timezone.now())
    return just_held.update(lease_until=long_ago)


def test_n4_after_any_number_of_kills_no_fan_is_missed_or_sent_two_e_mails():
    fans = FANS_A_KILL * (KILLS + 1)
    wave = triggered_wave(fans, phones=0, emails=fans)
    send_rows.make_sends(wave)
    with mail_server.running() as server:
        in_flight = [
            kill_after(Process(delivered, server.port), server, FANS_A_KILL * kill + 5)
            for kill in range(KILLS)
        ]
        last = Process(delivered, server.port).result()
    unknown = set(
        Send.objects.filter(wave=wave, state="unknown").values_list("member__email", flat=True)
    )
    sent = set(Send.objects.filter(wave=wave, state="sent").values_list("member__email", flat=True))
    assert last["left"] == 0
    assert len(sent) + len(unknown) == fans
    assert max(in_flight) <= CONNECTIONS
    assert len(unknown) <= sum(in_flight)
    assert set(server.taken.values()) == {1}
    assert sent <= set(server.taken) <= sent | unknown
