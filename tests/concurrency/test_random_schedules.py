"""Four processes do to one campaign what people, workers and the scheduler do, in an order that
chance chooses; whatever they did, the rules hold. [S-13, S-16, C-2, K-5, K-6, W-2, W-5]
"""

from __future__ import annotations

import secrets

import pytest

from campaigns.models import Activation, RuleChange
from operations.models import StatusChange
from tests.concurrency.random_steps import at_work, new_campaign, problems_of
from tests.conftest import FULL
from tests.support.processes import Process
from tests.support.waves import person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

PROCESSES = 4
SCHEDULES = 1_000 if FULL else 30


def test_whatever_four_processes_do_to_a_campaign_at_once_its_rules_hold():
    first_seed = secrets.randbelow(2**40) if FULL else 1
    print(f"seeds {first_seed} to {first_seed + SCHEDULES - 1}")  # noqa: T201
    for name in ("ann", "bob"):
        person(name)
    root = person("root", superuser=True)
    type(root).objects.filter(pk=root.pk).update(is_staff=True)
    processes = [
        Process(
            at_work,
            number,
            first_seed,
            SCHEDULES,
            halted_at="tests.concurrency.random_steps:next_schedule",
        )
        for number in range(PROCESSES)
    ]
    campaign = None
    for seed in range(first_seed, first_seed + SCHEDULES + 1):
        for process in processes:
            expect_the_end(process, seed - 1)
        if campaign is not None:
            assert problems_of(campaign.pk) == [], f"seed {seed - 1}"
        campaign = new_campaign()
        for process in processes:
            process.go_on()
    for process in processes:
        assert process.wait() == 0, process.errors
    done = set(StatusChange.objects.values_list("to_state", flat=True))
    assert done >= {"prepared", "triggered", "completed", "cancelled", "closed"}, "all steps happen"
    assert RuleChange.objects.exists()
    assert Activation.objects.filter(undone=True).exists()


def expect_the_end(process: Process, seed: int) -> None:
    """Of its steps of a schedule; whatever is no refusal ends the process, and the test."""
    try:
        process.expect("halted")
    except AssertionError:
        process.wait()
        pytest.fail(f"seed {seed}: {process.errors}")
