"""Whose rules a top-up follows. [X-7]"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.waves import NOTIFY, NOW, campaign_with
from waves.errors import WrongState
from waves.models import Wave
from waves.selection.top_up_rules import base_of_top_up, last_drawn

pytestmark = pytest.mark.django_db


def wave_of(campaign, number: int, **values) -> Wave:
    key = f"20260121-{number}"
    return Wave.objects.create(
        campaign=campaign,
        date_key=key,
        name=f"{campaign.campaign_id}_{key}",
        notify_date=NOTIFY,
        **({"state": "completed", "prepared_at": NOW + timedelta(hours=number)} | values),
    )


def test_x7_the_rules_are_those_of_the_wave_that_was_prepared_last():
    """Not of a cancelled one, nor of one that was not selected."""
    campaign = campaign_with(1)
    later, earlier = wave_of(campaign, 2), wave_of(campaign, 1)
    wave_of(campaign, 3, state="cancelled")
    wave_of(campaign, 4, kind="uploaded")
    wave_of(campaign, 5, kind="not_selected")
    assert last_drawn(campaign) == later
    assert last_drawn(campaign, other_than=later) == earlier


def test_x7_a_wave_that_was_selected_meanwhile_has_to_be_topped_up_instead():
    campaign = campaign_with(1)
    first = wave_of(campaign, 1)
    assert base_of_top_up(campaign, None, first.pk) == first
    second = wave_of(campaign, 2)
    with pytest.raises(WrongState, match=f"{second.name} was selected meanwhile"):
        base_of_top_up(campaign, None, first.pk)
    assert base_of_top_up(campaign, second, first.pk) == first
    assert base_of_top_up(campaign, None, None) is None
