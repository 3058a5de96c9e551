"""Outcomes are written to their rows. [N-3, N-4]"""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from tests.support.sending import FAST, QUICK, send, states, triggered_wave
from waves.choices import Channel
from waves.providers.outcomes import Kind, Outcome
from waves.providers.reasons import OPTED_OUT
from waves.sending.send_wave import send_wave
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import entries_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_n3_n4_without_honoured_keys_a_cut_connection_is_unknown_and_never_repeated(box):
    wave = triggered_wave(60)
    box.control(drop_rate=0.3, honour_keys=False, seed=1)
    report = send(box, wave, honours_keys=False)
    counts = box.received()["sms"]
    assert report["unknown"] == counts["dropped"] > 0
    assert counts["requests"] == 60
    assert counts["keys_accepted_twice"] == 0


class OptingOut:
    """A provider that this one number has told to send nothing more."""

    name, honours_keys, keys_last, number = "sms_http", True, None, "+12020000002"

    @asynccontextmanager
    async def open_session(self, timeout_seconds, most_connections):
        yield None

    async def send(self, session, message):
        if message.to == self.number:
            return Outcome(Kind.REFUSED, OPTED_OUT)
        return Outcome(Kind.SENT, provider_id="1")


def test_n8_a_number_that_opted_out_at_the_provider_is_suppressed_when_it_says_so():
    wave = triggered_wave(3)
    send_wave(wave.pk, provider=OptingOut(), limits=FAST, timing=QUICK)
    assert states(wave) == {"sent": 2, "failed": 1}
    entry = entries_of(Contact(Channel.SMS, OptingOut.number)).get()
    assert (entry.cause, entry.campaign) == ("opted_out", None)
    send_wave(wave.pk, retry_failed=True, provider=OptingOut(), limits=FAST, timing=QUICK)
    assert states(wave) == {"sent": 2, "skipped": 1}
