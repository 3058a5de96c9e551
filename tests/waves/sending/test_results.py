"""Completion, and messages whose outcome is unknown. [N-4, N-7]"""

from __future__ import annotations

import pytest

from operations.models import StatusChange
from tests.support.sending import send, triggered_wave
from waves.models import Send
from waves.providers.sms_http.client import HttpSms
from waves.sending import results, send_rows

pytestmark = pytest.mark.django_db(transaction=True)


def test_n4_a_look_up_settles_the_unknown(box):
    wave = triggered_wave(30)
    box.control(drop_rate=0.4, seed=2)
    unknown = send(box, wave, honours_keys=False)["unknown"]
    never = Send.objects.filter(wave=wave, state="sent").first()
    Send.objects.filter(pk=never.pk).update(
        state="unknown", key="00000000-0000-0000-0000-00000000000f"
    )
    box.control(drop_rate=0)
    settled = results.settle_unknown(wave.pk, HttpSms(box.url, "sandbox"))
    assert settled == {"sent": unknown, "failed": 1, "unknown": 0}
    assert Send.objects.get(pk=never.pk).reason == "not_accepted"


def test_n7_completion_is_computed_and_written_down_once(box):
    wave = triggered_wave(2)
    send_rows.make_sends(wave)
    assert not results.complete(wave.pk)
    send(box, wave)
    assert not results.complete(wave.pk)
    moves = StatusChange.objects.filter(subject_id=wave.name, to_state="completed")
    assert moves.count() == 1
