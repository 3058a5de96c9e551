"""Too many failures pause the account. [N-6]"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from operations.models import Alert
from tests.support.sending import FAST, send, states, triggered_wave
from waves.models import Send
from waves.providers.outcomes import Kind, Outcome
from waves.sending import accounts, email_queue, pacing
from waves.sending.error_watch import ErrorWatch
from waves.sending.run import RunState, Timing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("timing", [Timing(), email_queue.TIMING])
def test_n6_requests_without_an_answer_count_as_failed_well_within_thirty_seconds(timing):
    assert timing.timeout + timing.check_every < 25


def test_n6_a_provider_that_answers_nothing_is_paused_and_alerts(box):
    wave = triggered_wave(60)
    box.control(latency_ms=1_500)
    impatient = Timing(timeout=0.2, check_every=0.05, row_lease=20.0)
    report = send(box, wave, timing=impatient)
    assert "did not respond in time" in report["ended"]
    assert accounts.account("sms_http").paused
    assert Alert.objects.filter(text__contains="SMS gateway is stopped").count() == 1
    assert (report["failed"], report["state"]) == (0, "triggered")


def test_n6_the_error_budget_pauses_the_account_and_alerts_and_nobody_is_called_failed(box):
    wave = triggered_wave(300)
    box.control(fail_rates={"503": 1.0})
    report = send(box, wave)
    assert "More than half" in report["ended"]
    assert accounts.account("sms_http").paused
    assert Alert.objects.filter(text__contains="SMS gateway is stopped").count() == 1
    assert (report["pending"], report["failed"], report["state"]) == (300, 0, "triggered")
    assert not Send.objects.filter(wave=wave, state="sending").exists()
    accounts.resume("sms_http")
    box.control(fail_rates={})
    assert send(box, wave)["ok"] == 300
    assert box.received()["sms"]["keys_accepted_twice"] == 0


def test_n6_a_pause_that_fails_ends_the_run_and_is_not_lost(box, monkeypatch):
    """Else the next run would go on with the same provider at once."""

    def away(*values):
        box.control(fail_rates={})
        raise OSError("away")

    monkeypatch.setattr(accounts, "pause", away)
    wave = triggered_wave(60)
    box.control(fail_rates={"503": 1.0})
    with pytest.raises(OSError, match="away"):
        send(box, wave)
    assert states(wave)["pending"] >= 60 - FAST.concurrency


def test_n6_failures_after_a_run_has_ended_pause_no_account():
    """A wave that was paused says nothing about its provider."""
    state, started = RunState(), []
    account_thread = SimpleNamespace(start=lambda *asked: started.append(asked))
    watch = ErrorWatch(SimpleNamespace(provider=SimpleNamespace(name="x")), state, account_thread)
    state.end("the wave is paused")
    for _ in range(pacing.BUDGET_ATTEMPTS + 1):
        watch.note(SimpleNamespace(id=1), Outcome(Kind.RETRY_LATER, "no_connection"))
    assert (started, state.why) == ([], "the wave is paused")
