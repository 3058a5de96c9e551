"""The batches that the code service is asked for. [K-4, W-9]"""

from __future__ import annotations

import pytest

from tests.support.waves import KEY, NOTIFY, NOW, campaign_with
from waves.choices import CodeCall
from waves.codes.partner_calls import mark_answered, noted
from waves.models import Wave


@pytest.mark.django_db
def test_w9_a_batch_without_an_answer_is_asked_for_again_and_an_answered_one_never():
    campaign = campaign_with(1)
    wave = Wave.objects.create(
        campaign=campaign, date_key=KEY, name=f"{campaign.campaign_id}_{KEY}", notify_date=NOTIFY
    )
    first = noted(wave, CodeCall.GENERATE, 2, now=NOW)
    assert noted(wave, CodeCall.GENERATE, 3, now=NOW) == first
    mark_answered(first, now=NOW, quantity=3, valid=3)
    assert [noted(wave, CodeCall.GENERATE, 3, now=NOW).number for _ in range(2)] == [2, 2]
    assert noted(wave, CodeCall.ASSIGN, 3, now=NOW).number == 1
