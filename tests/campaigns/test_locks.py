from __future__ import annotations

import pytest
from django.db import transaction

from campaigns.locks import lock_campaign, lock_campaigns, selecting
from campaigns.models import Campaign, Market
from operations.database.locks import exclusive
from tests.support.campaigns import SELECTION_TIME, make_campaign
from tests.support.connections import WouldWait, elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_locked_campaign_is_read_as_it_is_now_and_nobody_else_locks_it():
    campaign = make_campaign()
    Campaign.objects.filter(pk=campaign.pk).update(name="Autumn Tour")
    with transaction.atomic():
        assert lock_campaign(campaign.pk).name == "Autumn Tour"
        with pytest.raises(WouldWait):
            elsewhere(lambda: lock_campaign(campaign.pk))
    assert elsewhere(lambda: lock_campaign(campaign.pk)).pk == campaign.pk


def test_rows_that_refer_to_a_locked_campaign_are_inserted_without_waiting():
    campaign = make_campaign()
    new = Market(campaign=campaign, market_id="north", name="North", selection_time=SELECTION_TIME)
    with transaction.atomic():
        lock_campaign(campaign.pk)
        elsewhere(new.save)
    assert campaign.markets.filter(market_id="north").exists()


def test_several_campaigns_are_locked_together_and_what_is_none_is_left_out():
    one, other, third = make_campaign(), make_campaign(), make_campaign()
    with transaction.atomic():
        lock_campaigns([other.pk, one.pk, 0])
        for locked in (one, other):
            with pytest.raises(WouldWait):
                elsewhere(lambda pk=locked.pk: lock_campaign(pk))
        assert elsewhere(lambda: lock_campaign(third.pk)) == third


def test_one_wave_of_a_campaign_selects_at_a_time():
    """K-7"""
    one, other = make_campaign(), make_campaign()

    def begins(campaign):
        with exclusive(f"campaign {campaign.pk} selects", wait=False) as alone:
            return alone

    with selecting(one.pk):
        assert not elsewhere(lambda: begins(one))
        assert elsewhere(lambda: begins(other))
    assert elsewhere(lambda: begins(one))
