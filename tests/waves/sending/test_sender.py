"""One sender at work: nobody is missed or doubled, the limits hold, and a stop stops. [N-2, N-3,
N-4, N-6]
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from django.db import connections

from tests.support.sending import QUICK, send, states, triggered_wave
from tests.support.waiting import LIMIT_SECONDS, wait_until
from waves import actions
from waves.errors import WrongState
from waves.models import Send, Sender, Wave
from waves.providers.outcomes import Kind, Outcome
from waves.sending import accounts, email_queue, new_messages
from waves.sending.accounts import Limits
from waves.sending.run import Timing
from waves.sending.send_wave import send_wave

pytestmark = pytest.mark.django_db(transaction=True)


def test_n3_n4_cut_connections_429_and_503_lose_nobody_and_double_nobody(box):
    wave = triggered_wave(300)
    box.control(fail_rates={"503": 0.08, "429": 0.05, "502": 0.05}, drop_rate=0.1, seed=5)
    report = send(box, wave)
    counts = box.received()["sms"]
    assert counts["dropped"] > 0
    assert {"429", "502", "503"} <= set(counts["by_status"])
    assert report["ok"] + report["failed"] + report["unknown"] == 300
    assert report["ok"] >= 290
    assert counts["keys_accepted_twice"] == 0
    accepted = {message["key"] for message in box.messages()}
    called_failed = {
        str(key)
        for key in Send.objects.filter(wave=wave, state="failed").values_list("key", flat=True)
    }
    assert not accepted & called_failed


def test_n2_no_more_than_the_limit_at_once_and_per_second(box):
    wave = triggered_wave(150)
    box.control(latency_ms=40)
    send(box, wave, limits=Limits(per_second=100, concurrency=7))
    counts = box.received()["sms"]
    assert counts["max_concurrency"] <= 7
    assert counts["max_started_per_second"] <= 100


def send_in_thread(box, wave, **options):
    """A sender beside the test, as a worker would be."""
    reports = []

    def work():
        reports.append(send(box, wave, **options))
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, reports


@pytest.mark.parametrize("how", ["pause the wave", "cancel the wave", "stop all"])
def test_n6_a_stop_ends_the_run_long_before_its_last_message_and_the_others_wait(box, how):
    """The rest of 2,000 messages at 60 a second would take half a minute. That no request starts on
    a check older than two seconds is held by test_slot_lease.
    """
    wave = triggered_wave(2_000)
    thread, reports = send_in_thread(
        box, wave, limits=Limits(per_second=60, concurrency=20), timing=Timing()
    )
    wait_until(lambda: box.received()["sms"]["accepted"] >= 20, "20 accepted messages")
    if how == "stop all":
        assert "sms_http" in accounts.stop_all("drill")
    else:
        Wave.objects.filter(pk=wave.pk).update(
            state="paused" if how.startswith("pause") else "cancelled"
        )
    thread.join(LIMIT_SECONDS)
    assert not thread.is_alive()
    assert reports[0]["ended"]
    left = Send.objects.filter(wave=wave, channel="sms", state="pending")
    assert left.count() + box.received()["sms"]["accepted"] == 2_000
    assert left.exists()
    assert set(left.values_list("attempts", flat=True)) == {0}
    assert accounts.in_flight() == 0
    assert not Sender.objects.exists()


class Holding:
    """A provider that answers nothing until it is told to."""

    honours_keys, keys_last = True, None

    def __init__(self, name: str) -> None:
        self.name, self.asked, self.may_answer = name, Counter(), threading.Event()

    @asynccontextmanager
    async def open_session(self, timeout_seconds, most_connections):
        yield None

    async def send(self, session, message):
        self.asked[message.key] += 1
        while not self.may_answer.is_set():
            await asyncio.sleep(0.01)
        return Outcome(Kind.SENT, provider_id="1")


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_n6_a_stop_at_200_in_flight_starts_none_and_resuming_sends_exactly_the_rest(channel, ann):
    wave = triggered_wave(300, phones=300 * (channel == "sms"), emails=300 * (channel == "email"))
    new_messages.make_sends(wave)
    provider = Holding("sms_http" if channel == "sms" else "email_django")
    options = {"provider": provider, "limits": Limits(100_000, 200), "timing": QUICK}

    def work() -> None:
        send_wave(wave.pk, **options) if channel == "sms" else email_queue.deliver(**options)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: accounts.in_flight(wave=wave) == 200, "200 in flight")
    actions.pause(wave, by=ann, reason="wrong text")
    for _ in range(2):  # at the second one, the sender knows what it found at the first
        held = Sender.objects.filter(wave=wave, lease_until=Sender.objects.get().lease_until)
        wait_until(lambda held=held: not held.exists(), "the sender's next look")
    provider.may_answer.set()
    thread.join(LIMIT_SECONDS)
    assert (provider.asked.total(), accounts.in_flight(wave=wave)) == (200, 0)
    assert states(wave, channel) == {"sent": 200, "pending": 100}
    actions.resume(wave, by=ann, reason="right text")
    work()
    assert states(wave, channel) == {"sent": 300}
    assert set(provider.asked.values()) == {1}


def test_n6_after_a_pause_the_rest_is_sent_and_nobody_twice(box):
    wave = triggered_wave(200)
    thread, _ = send_in_thread(box, wave, limits=Limits(per_second=100, concurrency=20))
    wait_until(lambda: box.received()["sms"]["accepted"] >= 20, "20 accepted messages")
    Wave.objects.filter(pk=wave.pk).update(state="paused")
    thread.join(LIMIT_SECONDS)
    with pytest.raises(WrongState):
        send(box, wave)
    Wave.objects.filter(pk=wave.pk).update(state="triggered")
    assert send(box, wave)["ok"] == 200
    counts = box.received()["sms"]
    assert (counts["accepted"], counts["repeats"]) == (200, 0)
