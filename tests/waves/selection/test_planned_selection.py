"""The selection that is made from a plan. [W-5, X-4]"""

from __future__ import annotations

import pytest

from tests.support.waves import NOW, campaign_with, request
from waves.choices import Order
from waves.selection import reading
from waves.selection.plan import plan_of
from waves.selection.planned_selection import select_each, select_members

pytestmark = pytest.mark.django_db


def test_x4_several_plans_select_from_one_reading_what_each_selects_alone(monkeypatch):
    # everyone prefers the market that is filled last: whatever their luck, each plan differs
    campaign = campaign_with(30, preferences=[["east", "west"]] * 30)
    plans = [
        plan_of(request(campaign, **changed), now=NOW)
        for changed in (
            {},
            {"min_score": 0.8},
            {"order": Order.BY_MARKET_ORDER},
            {"order": Order.SINGLE_MARKET, "single_market": "east"},
        )
    ]
    alone = [select_members(plan).as_result() for plan in plans]
    readings, read = [], reading.nullable_frames_of
    monkeypatch.setattr(
        reading, "nullable_frames_of", lambda *a, **k: readings.append(a) or read(*a, **k)
    )
    assert [planned.as_result() for planned in select_each(plans)] == alone
    assert len(readings) == 1
    assert len({result["members_digest"] for result in alone}) == 4
