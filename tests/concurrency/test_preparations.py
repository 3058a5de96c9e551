"""Real processes on one PostgreSQL: preparations and schedulers side by side, and killed in
between. [K-7, W-9, W-11]
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from campaigns.models import Campaign, Market
from datalake.storage import buckets
from tests.support.processes import Process, run_together
from tests.support.waiting import wait_until
from tests.support.waves import KEY, NOTIFY, NOW, approve, campaign_with, person, request
from waves.choices import CodeState, WaveState
from waves.errors import AlreadyRunning, WaveError
from waves.lifecycle import wave_named
from waves.models import Assignment, Code, Member, Wave
from waves.preparation.prepare import prepare
from waves.schedule import check_due_waves, schedule
from waves.selection.request import WaveRequest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def prepared(campaign_id: str, key: str, most: int | None = None) -> dict[str, Any]:
    """In a process of its own: prepare the wave, with at most so many of each market, or say why
    not.
    """
    names = Market.objects.filter(campaign__campaign_id=campaign_id).values_list("market_id")
    lines = ["marketId,marketName,capacity,selectionTime", *(f"{m},,{most}," for (m,) in names)]
    file = None if most is None else "\n".join(lines).encode()
    wanted = WaveRequest(campaign_id, key, notify_date=NOTIFY, market_file=file)
    try:
        return prepare(wanted, by=person("ann"), now=NOW).as_result()
    except WaveError as error:
        return {"error": str(error), "kind": type(error).__name__}


def looked() -> dict[str, Any]:
    """In a process of its own: what the scheduler does each minute."""
    return {
        "triggered": [
            wave.name for wave in check_due_waves(now=NOTIFY + timedelta(seconds=1)).triggered
        ]
    }


def preparing(
    campaign: Campaign, key: str = KEY, most: int | None = None, **options: Any
) -> Process:
    return Process(prepared, campaign.campaign_id, key, most, **options)


@pytest.fixture(autouse=True)
def ann(transactional_db):
    return person("ann")


def test_two_waves_of_one_campaign_prepared_at_once_share_no_code_and_no_fan():  # K-7
    campaign = campaign_with(3_000, {"west": 1_200, "east": 1_200})
    results = run_together(
        preparing(campaign, most=600, held=True),
        preparing(campaign, "20260121-2", most=600, held=True),
    )
    assert sorted(result["selected"] for result in results) == [1_200, 1_200]
    fans = Counter(Member.objects.values_list("global_user_id", flat=True))
    codes = Counter(code.upper() for code in Member.objects.values_list("code", flat=True))
    assert (len(fans), len(codes)) == (2_400, 2_400)
    assert sorted(result["excluded"].get("already_in_wave", 0) for result in results) == [0, 1_200]
    for wave in Wave.objects.all():
        reserved = dict(
            Code.objects.filter(wave=wave, state=CodeState.RESERVED).values_list(
                "global_user_id", "code"
            )
        )
        assert reserved == dict(
            Member.objects.filter(wave=wave).values_list("global_user_id", "code")
        )


def test_waves_of_two_campaigns_prepared_at_once_share_no_code():  # K-7
    one, other = campaign_with(2_000, {"west": 1_000}), campaign_with(2_000, {"west": 1_000})
    for campaign in (one, other):
        Code.objects.bulk_create(
            Code(campaign=campaign, code=f"POOL{campaign.pk}X{n}") for n in range(300)
        )
    results = run_together(preparing(one, held=True), preparing(other, held=True))
    assert [result["codes"] for result in results] == [
        {"reserved": 1_000, "generated": 700, "tm": 0}
    ] * 2
    codes = Counter(code.upper() for code in Member.objects.values_list("code", flat=True))
    assert len(codes) == 2_000
    assert not Code.objects.filter(state=CodeState.AVAILABLE).exists()
    for campaign in (one, other):
        held = Member.objects.filter(campaign=campaign).values_list("code", flat=True)
        assert set(Code.objects.filter(campaign=campaign).values_list("code", flat=True)) == set(
            held
        )


def test_two_waves_at_once_do_not_take_the_same_available_code():  # K-7
    campaign = campaign_with(1_000, {"west": 800})
    Code.objects.bulk_create(Code(campaign=campaign, code=f"POOLX{n}") for n in range(800))
    results = run_together(
        preparing(campaign, most=400, held=True),
        preparing(campaign, "20260121-2", most=400, held=True),
    )
    assert [result["codes"]["generated"] for result in results] == [0, 0]
    assert len(set(Member.objects.values_list("code", flat=True))) == 800


def test_the_same_wave_prepared_twice_at_once_gets_one_clear_refusal():  # K-7
    campaign = campaign_with(50)
    first = preparing(campaign, halted_at="waves.preparation.prepared:write_wave_markets")
    first.expect("halted")
    refused = preparing(campaign).result()
    assert refused["kind"] == "AlreadyRunning"
    assert "already being prepared" in refused["error"]
    first.go_on()
    assert first.result()["state"] == "prepared"
    assert Wave.objects.get().attempts == 1


@pytest.mark.parametrize(
    "where",
    [
        "prepare:wave_zip",
        "prepare:_apply",
        "prepared:write_wave_markets",
        "prepared:content_digest",
    ],
)
# W-9
def test_a_preparation_killed_midway_leaves_no_member_and_the_next_uses_the_same_codes(ann, where):
    campaign = campaign_with(200, {"west": 80})
    child = preparing(campaign, halted_at=f"waves.preparation.{where}")
    child.expect("halted")
    reserved = dict(Code.objects.values_list("global_user_id", "code"))
    child.kill()
    wave = wave_named(f"{campaign.campaign_id}_{KEY}")
    assert (wave.state, wave.attempts, wave.selected) == (WaveState.CONFIGURED, 1, 0)
    assert not Member.objects.exists()
    assert not wave.wave_markets.exists()
    again = _once_the_lock_is_gone(campaign, ann)
    assert dict(Member.objects.values_list("global_user_id", "code")) == reserved
    assert (again.wave.attempts, again.codes) == (2, {"reserved": 80, "generated": 0, "tm": 0})
    assert buckets.scoring().exists(again.wave.zip_key)


def test_a_preparation_killed_before_its_codes_leaves_nothing_at_all(ann):  # W-9
    campaign = campaign_with(50)
    child = preparing(campaign, halted_at="waves.preparation.sealing:selected_members")
    child.expect("halted")
    child.kill()
    assert not Member.objects.exists()
    assert not Code.objects.exists()
    assert _once_the_lock_is_gone(campaign, ann).wave.selected == 10


def test_schedulers_that_look_at_once_trigger_a_wave_once(ann):  # W-11
    campaign = campaign_with(300, {"west": 150})
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    schedule(wave, by=person("bob"), now=NOW)
    results = run_together(*[Process(looked, held=True) for _ in range(3)])
    assert sorted(len(result["triggered"]) for result in results) == [0, 0, 1]
    assert (
        Assignment.objects.count() == Code.objects.filter(state=CodeState.PUBLISHED).count() == 150
    )


def _once_the_lock_is_gone(campaign: Campaign, by):
    """The server notices a killed client a moment later; until then the wave is still being
    prepared elsewhere.
    """

    def once_more() -> object:
        try:
            return prepare(request(campaign), by=by, now=NOW)
        except AlreadyRunning:
            return None

    return wait_until(once_more, "the lock of a killed process")
