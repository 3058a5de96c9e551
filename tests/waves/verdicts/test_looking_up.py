"""What the database has on records. [T-3]"""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.support.database import kept
from tests.support.verdicts import assignment, campaign_of
from waves.models import Assignment, Code, Selection
from waves.verdicts.judgement import Known, Why, judged
from waves.verdicts.looking_up import look_up

pytestmark = pytest.mark.django_db


def test_t3_each_record_has_what_is_known_of_it_in_its_place():
    campaign = campaign_of(1)
    known, unknown = look_up(
        [assignment(campaign, 0), assignment(campaign, 1, campaignId="nowhere", marketId=None)]
    )
    registrant, market = campaign.registrants.get(), campaign.markets.get(market_id="west")
    assert known == Known(
        campaign.pk,
        is_open=True,
        registrant_pk=registrant.pk,
        market_pk=market.pk,
        event_ids=("E1", "E2"),
    )
    assert unknown == Known()


def test_t3_nothing_is_looked_up_for_no_records():
    assert look_up([]) == []


def test_k6_a_code_that_is_kept_for_another_fan_or_campaign_is_anothers():
    wave, other = kept.scheduled(), campaign_of(0)
    code = Code.objects.filter(wave=wave).earliest("pk")
    asked = [
        assignment(campaign, 0, globalUserId=fan, code=code.code.lower())
        for campaign, fan in (
            (wave.campaign, code.global_user_id),
            (wave.campaign, "somebody"),
            (other, code.global_user_id),
        )
    ]
    assert [known.code_is_anothers for known in look_up(asked)] == [False, True, True]


def test_k6_a_fan_who_was_told_another_code_has_that_one_though_ours_was_assigned_since():
    """Ours is then rejected, where people see it; what is saved would not have changed."""
    wave = kept.scheduled()
    code, market = Code.objects.filter(wave=wave).earliest("pk"), wave.campaign.markets.first()
    fan = {"campaign": wave.campaign, "global_user_id": code.global_user_id}
    Assignment.objects.create(
        code=code, wave=wave, market=market, assigned_at=timezone.now(), **fan
    )
    record = assignment(wave.campaign, 0, globalUserId=code.global_user_id, code=code.code)
    record["marketId"] = market.market_id
    assert judged([(record, *look_up([record]))]) == [None]
    Selection.objects.create(code="THEIRS", event_ids=[], **fan)
    assert judged([(record, *look_up([record]))]) == [Why.ANOTHER_CODE]
