"""Many waves that are due before several schedulers: each goes out once, and none waits for what
holds up another. Real processes on one PostgreSQL. [W-11]
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from campaigns.locks import lock_campaign
from operations.models import StatusChange
from tests.support.processes import Process, run_together
from tests.support.waves import NOTIFY, scheduled
from waves.models import Assignment, Wave
from waves.schedule import claim_due_waves

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
SECOND = timedelta(seconds=1)


def claimed() -> dict[str, Any]:
    """In a process of its own: what a scheduler does until nothing is due any more."""
    names: list[str] = []
    while Wave.objects.filter(state="scheduled").exists():
        names += [wave.name for wave in claim_due_waves(now=NOTIFY + SECOND).triggered]
    return {"triggered": names}


def holds(campaign_pk: int) -> None:
    """In a process of its own: somebody who is at work on a campaign."""
    with transaction.atomic():
        lock_campaign(campaign_pk)
        done()


def done() -> None:
    """Where it is held up."""


def test_w11_three_schedulers_share_the_due_waves_and_trigger_each_once():
    waves = [scheduled(4, capacities={"west": 2}) for _ in range(4)]
    results = run_together(*(Process(claimed, held=True) for _ in range(3)))
    triggered = [name for result in results for name in result["triggered"]]
    assert sorted(triggered) == sorted(wave.name for wave in waves)
    assert StatusChange.objects.filter(to_state="triggered").count() == len(waves)


def test_w11_a_wave_whose_campaign_is_at_work_delays_no_other_wave():
    stuck, fine, late = (scheduled(4, capacities={"west": 2}) for _ in range(3))
    Wave.objects.filter(pk=late.pk).update(notify_date=NOTIFY - timedelta(hours=3))
    held = [
        Process(holds, wave.campaign_id, halted_at=f"{__name__}:done") for wave in (stuck, late)
    ]
    for process in held:
        process.expect("halted")
    check = claim_due_waves(now=NOTIFY + SECOND)
    found = ([wave.pk for wave in check.triggered], check.held, check.faults)
    assert found == ([fine.pk], [], [])
    for process in held:
        process.go_on()
        process.wait()
    check = claim_due_waves(now=NOTIFY + SECOND)
    assert [wave.pk for wave in (*check.triggered, *check.held)] == [stuck.pk, late.pk]
    # their codes are assigned by who sends them, so that no wave waits for them
    assert not Assignment.objects.exists()
