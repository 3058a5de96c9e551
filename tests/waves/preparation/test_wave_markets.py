"""What a wave does in each market is kept as it was prepared."""

from __future__ import annotations

import pytest

from tests.support.waves import NOW, campaign_with, person, request
from waves.models import Wave
from waves.preparation.submission import submit
from waves.preparation.wave_markets import write_wave_markets
from waves.selection.plan import plan_of
from waves.selection.planned_selection import select_members

pytestmark = pytest.mark.django_db


def test_w5_s16_each_market_has_its_seats_and_result_and_a_repeat_replaces_them():
    campaign = campaign_with(8, {"west": 3, "east": 2})
    submit(request(campaign), by=person("ann"), now=NOW)
    wave, planned = Wave.objects.get(), select_members(plan_of(request(campaign), now=NOW))
    plan, results = planned.plan, {each.market_id: each for each in planned.selection.markets}
    for _ in range(2):
        write_wave_markets(wave, plan.seats, plan.markets, results.values())
    written = list(wave.wave_markets.select_related("market"))
    assert {row.market.market_id for row in written} == {"west", "east"}
    for row in written:
        result = results[row.market.market_id]
        assert (row.capacity, row.given, row.room) == (result.capacity, 0, result.room)
        assert (row.selected, row.wanted, row.cutoff) == (
            result.selected,
            result.wanted,
            result.cutoff,
        )
