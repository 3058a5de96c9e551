"""Outcomes are written to their rows. [N-3, N-4]"""

from __future__ import annotations

import pytest

from tests.support.sending import send, triggered_wave

pytestmark = pytest.mark.django_db(transaction=True)


def test_n3_n4_without_honoured_keys_a_cut_connection_is_unknown_and_never_repeated(box):
    wave = triggered_wave(60)
    box.control(drop_rate=0.3, honour_keys=False, seed=1)
    report = send(box, wave, honours_keys=False)
    counts = box.received()["sms"]
    assert report["unknown"] == counts["dropped"] > 0
    assert counts["requests"] == 60
    assert counts["keys_accepted_twice"] == 0
