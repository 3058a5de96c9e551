"""Permits: the rate holds, and a 429 stops every worker of the account for a while. [N-2, N-3]"""

from __future__ import annotations

import pytest

from tests.support.sending import send, triggered_wave
from waves.models import Send

pytestmark = pytest.mark.django_db(transaction=True)


def test_n3_a_429_holds_every_worker_of_the_account_and_costs_no_try(box):
    wave = triggered_wave(40)
    box.control(rate_limit_per_second=20, retry_after_seconds=0.3)
    assert send(box, wave)["ok"] == 40
    assert box.received()["sms"]["by_status"]["429"] > 0
    assert set(
        Send.objects.filter(wave=wave, channel="sms").values_list("attempts", flat=True)
    ) == {1}
