"""Four processes do to one campaign what people, workers and the scheduler do, in an order that
chance chooses; whatever they did, the rules hold. [S-13, S-16, C-2, K-5, K-6, W-2, W-5]
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable

import pytest

from campaigns.models import Activation, Campaign, RuleChange
from operations.errors import Refusal
from operations.models import StatusChange
from tests.concurrency.random_steps import STEPS, at_work, new_campaign, problems_of
from tests.conftest import FULL
from tests.support.processes import Process
from tests.support.waves import person
from waves.models import Template

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

PROCESSES = 4
SCHEDULES, STEPS_EACH = (1_000, 4) if FULL else (15, 2)
MOST_OF_A_CAMPAIGN = 5  # schedules; so some begin with waves in all states


@pytest.fixture(autouse=True)
def people(transactional_db):
    for name in ("ann", "bob"):
        person(name)
    root = person("root", superuser=True)
    type(root).objects.filter(pk=root.pk).update(is_staff=True)


def test_each_step_does_its_work_when_nobody_disturbs_it():
    campaign, dice = new_campaign(), random.Random(1)
    steps = {step.__name__.strip("_"): step for step in STEPS}
    for name in ("prepare", "template", "edit", "activate", "cancel", "prepare", "complete"):
        while is_refused(steps[name], campaign, dice):
            pass  # such as an undo before there is a switch
        while name == "activate" and not Activation.objects.exists():
            is_refused(steps[name], campaign, dice)  # the active file again is no switch
        assert problems_of(campaign.pk) == [], name
    while not is_over(campaign):
        steps["close"](campaign.pk, dice)
    assert problems_of(campaign.pk) == []
    done = set(StatusChange.objects.values_list("to_state", flat=True))
    assert done >= {"prepared", "cancelled", "triggered", "completed", "closed"}
    assert Template.objects.get().body != "{campaign} {code}"
    assert RuleChange.objects.exists() or Campaign.objects.get().name != "Spring Tour"
    assert Activation.objects.exists()


def test_whatever_four_processes_do_to_a_campaign_at_once_its_rules_hold():
    any_seed = str(secrets.randbelow(2**40) if FULL else 1)
    first_seed = int(os.environ.get("FAIRWAVE_SEED", any_seed))
    print(f"seeds {first_seed} to {first_seed + SCHEDULES - 1}")  # noqa: T201
    processes = [
        Process(
            at_work,
            number,
            first_seed,
            SCHEDULES,
            STEPS_EACH,
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
        if campaign is None or is_over(campaign) or (seed - first_seed) % MOST_OF_A_CAMPAIGN == 0:
            campaign = new_campaign()
        for process in processes:
            process.go_on()
    for process in processes:
        assert process.wait() == 0, process.errors


def is_refused(step: Callable[..., None], campaign: Campaign, dice: random.Random) -> bool:
    try:
        step(campaign.pk, dice)
    except Refusal:
        return True
    return False


def is_over(campaign: Campaign) -> bool:
    return Campaign.objects.get(pk=campaign.pk).status == "closed"


def expect_the_end(process: Process, seed: int) -> None:
    """Of its steps of a schedule; whatever is no refusal ends the process, and the test."""
    try:
        process.expect("halted")
    except AssertionError:
        process.wait()
        pytest.fail(f"seed {seed}: {process.errors}")
