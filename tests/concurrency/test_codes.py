"""Processes that reserve codes side by side. [K-7]"""

from __future__ import annotations

import os
from typing import Any

import polars as pl
import pytest

from campaigns.models import Market
from tests.support.processes import Process, run_together
from tests.support.waves import NOTIFY, NOW, campaign_with
from waves.choices import CodeState
from waves.codes import minting, own_codes, pool
from waves.models import Code, Wave

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
PROCESSES, CODES, BATCH = (16, 200_000, 2_500) if FULL else (4, 1_200, 50)


def reserved(wave_pk: int, fans: int) -> dict[str, Any]:
    """In a process of its own: a code for each of so many fans of the wave."""
    own_codes.BATCH = BATCH
    wave = Wave.objects.select_related("campaign").get(pk=wave_pk)
    members = pl.DataFrame(
        {
            "global_user_id": [f"fan-{wave_pk}-{number}" for number in range(fans)],
            "market": [Market.objects.get(campaign=wave.campaign_id).pk] * fans,
            "code_source": ["own"] * fans,
            "held_code": pl.Series([None] * fans, dtype=pl.String),
        }
    )
    held = pool.reserve(wave, members, now=NOW)
    return held.counts() | {"codes": held.members["code"].to_list()}


@pytest.mark.parametrize("stocked", [CODES, CODES // 2], ids=["all in stock", "half of them"])
def test_processes_that_reserve_at_once_share_no_code_and_leave_none_over(stocked):
    """K-7: none double, none lost, none stuck."""
    campaign = campaign_with(1, {"west": CODES})
    assert minting.make(campaign, pl.DataFrame({"state": ["available"] * stocked})) == stocked
    waves = [
        Wave.objects.create(
            campaign=campaign,
            date_key=f"20260121-{number}",
            name=f"{campaign.campaign_id}_20260121-{number}",
            notify_date=NOTIFY,
        )
        for number in range(1, PROCESSES + 1)
    ]
    each = CODES // PROCESSES
    results = run_together(*(Process(reserved, wave.pk, each, held=True) for wave in waves))
    held = [code.upper() for result in results for code in result["codes"]]
    assert len(set(held)) == len(held) == CODES
    assert sum(result["generated"] for result in results) == CODES - stocked
    assert Code.objects.filter(campaign=campaign, state=CodeState.RESERVED).count() == CODES
    assert Code.objects.filter(campaign=campaign).count() == CODES
    for wave in waves:
        assert wave.codes.values("global_user_id").distinct().count() == each
