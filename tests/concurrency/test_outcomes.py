"""An outcome is recorded while another process takes over its rows: whoever is first counts.
[N-4, O-6]
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from tests.concurrency.test_suppression import at_once
from tests.support.sending import states, triggered_wave
from waves.choices import Channel, SendState
from waves.models import Wave
from waves.sending import new_messages, send_rows
from waves.sending.pacing import NextState
from waves.sending.send_rows import Messages, Row

pytestmark = pytest.mark.django_db(transaction=True)

SENDER = uuid.uuid4()
FAILED = NextState(SendState.FAILED, "http_400", 1, maybe_accepted=False)


def claimed() -> tuple[Wave, list[Row]]:
    """Rows whose lease has run out."""
    wave = triggered_wave(2)
    new_messages.make_sends(wave)
    sms, over = Messages(wave.pk, Channel.SMS), timedelta(seconds=-1)
    return wave, send_rows.claim(sms, SENDER, after=0, limit=2, lease=over).rows


def take_over(wave: Wave) -> int:
    return send_rows.take_over(Messages(wave.pk, Channel.SMS), honours_keys=True)


@pytest.mark.parametrize(
    "record",
    [
        lambda rows: send_rows.record_sent(SENDER, [(row, "late") for row in rows]),
        lambda rows: send_rows.record_rest(SENDER, [(row, FAILED) for row in rows]),
        lambda rows: send_rows.release(SENDER, rows),
    ],
    ids=["sent", "failed", "released"],
)
def test_o6_rows_that_are_being_taken_over_get_no_outcome_of_their_old_sender(record):
    wave, rows = claimed()
    assert at_once(lambda: take_over(wave), lambda: record(rows)) == (2, 0)
    assert states(wave) == {"pending": 2}


def test_n4_rows_whose_outcome_is_being_recorded_are_not_taken_over():
    wave, rows = claimed()
    sent = [(row, "p") for row in rows]
    both = at_once(lambda: send_rows.record_sent(SENDER, sent), lambda: take_over(wave))
    assert both == (2, 0)
    assert states(wave) == {"sent": 2}
