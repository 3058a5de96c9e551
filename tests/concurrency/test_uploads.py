"""Uploads and preparations of one campaign at once, in real processes. [K-6, K-7, W-5]"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from campaigns.models import Campaign
from tests.concurrency.test_preparations import preparing
from tests.support.processes import Process, run_together
from tests.support.waves import KEY, campaign_with, person
from tests.waves.uploads.lists import row, uploaded
from waves.errors import WaveError
from waves.models import Code, Member
from waves.uploads.upload import as_result

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def take(campaign_id: str, key: str, first: int, last: int) -> dict[str, Any]:
    """In a process of its own: upload these fans, or say why not."""
    campaign = Campaign.objects.get(campaign_id=campaign_id)
    try:
        rows = [row(number) for number in range(first, last)]
        return as_result(uploaded(campaign, rows, by=person("ann"), key=key))
    except WaveError as error:
        return {"error": type(error).__name__}


@pytest.fixture(autouse=True)
def ann(transactional_db):
    return person("ann")


def taking(campaign: Campaign, key: str, first: int, last: int) -> Process:
    return Process(take, campaign.campaign_id, key, first, last, held=True)


def test_w5_seats_and_fans_are_given_once_when_a_list_and_a_draw_want_them_at_once():
    campaign = campaign_with(300, {"west": 120})
    results = run_together(
        taking(campaign, "20260121-2", 0, 100), preparing(campaign, KEY, held=True)
    )
    assert sum(result.get("accepted", result.get("selected", 0)) for result in results) == 120
    fans = Counter(Member.objects.values_list("global_user_id", flat=True))
    assert len(fans) == sum(fans.values()) == 120
    assert Code.objects.values("code").distinct().count() == 120


def test_k6_two_lists_of_the_same_fans_at_once_are_one_wave_and_rejected_rows():
    campaign = campaign_with(60, {"west": 50})
    results = run_together(
        taking(campaign, "20260121-2", 0, 40), taking(campaign, "20260121-3", 20, 60)
    )
    assert sum(result["accepted"] for result in results) == 50
    rejected = Counter()
    for result in results:
        rejected.update(result["rejected"])
    assert rejected == {"already_in_wave": 20, "no_room": 10}


def test_k7_two_uploads_of_one_wave_at_once_are_one():
    campaign = campaign_with(60, {"west": 50})
    results = run_together(taking(campaign, KEY, 0, 30), taking(campaign, KEY, 30, 60))
    (taken_in,) = [result for result in results if "error" not in result]
    (refused,) = [result["error"] for result in results if "error" in result]
    assert refused in {"AlreadyRunning", "WrongState", "JobBusy"}
    assert Member.objects.count() == taken_in["accepted"] == 30
