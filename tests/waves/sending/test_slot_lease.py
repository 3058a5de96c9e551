"""A sender's slots, and the check that account and wave still allow sending. [N-2, N-6, X-5]"""

from __future__ import annotations

import asyncio
import time

import pytest

from operations.database.database_thread import DatabaseThread
from tests.support.sending import FAST, QUICK, triggered_wave
from waves.choices import Channel
from waves.models import Sender, Wave
from waves.providers.sms_http.client import HttpSms
from waves.sending import accounts
from waves.sending.run import CHECK_VALID_SECONDS, RunState, SenderSetup
from waves.sending.send_rows import Messages
from waves.sending.slot_lease import SlotLease

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def setup():
    wave = triggered_wave(1)
    accounts.account("sms_http")
    return SenderSetup(
        wave, Messages(wave.pk, Channel.SMS), HttpSms("http://127.0.0.1:9", ""), FAST, QUICK
    )


def after_a_check(setup, look):
    """What `look(lease, state)` says after one check; the slots are given back then."""

    async def run():
        state, thread = RunState(), DatabaseThread("account")
        lease = SlotLease(setup, state, thread)
        await lease.check()
        seen = look(lease, state)
        await lease.release()
        await thread.close()
        return seen

    return asyncio.run(run())


def test_n2_requests_start_only_while_a_slot_is_free(setup):
    def look(lease, state):
        now = time.monotonic()
        state.in_flight = state.slots - 1
        one_free = lease.allows_start(now)
        state.in_flight += 1
        return state.slots, one_free, lease.allows_start(now)

    assert after_a_check(setup, look) == (FAST.concurrency, True, False)
    assert not Sender.objects.exists()


def test_n6_no_request_starts_on_an_old_check(setup):
    assert CHECK_VALID_SECONDS < 2
    assert not after_a_check(
        setup, lambda lease, _: lease.allows_start(time.monotonic() + CHECK_VALID_SECONDS)
    )


def test_n6_before_the_first_check_nothing_starts(setup):
    state = RunState(slots=1)
    lease = SlotLease(setup, state, DatabaseThread("account"))
    assert not lease.allows_start(time.monotonic())


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_n6_a_wave_that_is_stopped_ends_the_run(setup, state):
    Wave.objects.filter(pk=setup.wave.pk).update(state=state)
    assert after_a_check(setup, lambda _, run: run.why) == f"the wave is {state}"


@pytest.mark.parametrize("queue", ["paused", "cancelled"])
def test_n6_a_completed_wave_whose_queue_is_stopped_ends_the_run(setup, queue):
    Wave.objects.filter(pk=setup.wave.pk).update(state="completed", queue=queue)
    why = f"the wave is completed, and its remaining messages are {queue}"
    assert after_a_check(setup, lambda _, run: run.why) == why


def test_n6_a_paused_account_ends_the_run_with_the_reason(setup):
    accounts.pause("sms_http", "drill")
    assert after_a_check(setup, lambda _, run: run.why) == "sms_http is stopped: drill"


def test_x5_content_that_changed_ends_the_run(setup):
    setup.wave.content_digest = "another"
    assert after_a_check(setup, lambda _, run: run.why) == "the wave's content changed"
