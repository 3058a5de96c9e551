"""Faults seeded into ranking, bands, eligibility, allocation, seats and order are stopped before
approval. [X-14]

Eight chosen by hand in an ordinary run, all of them with --full.
"""

from __future__ import annotations

import os

import pytest
from django.db import DatabaseError, transaction

from operations.errors import Refusal
from tests.support.seeding.faults import BY_MARKET, CHOSEN, FAULTS, NOT_STOPPED, REFUSED_EARLIER
from tests.support.seeding.presale import crowded, prepared
from tests.support.seeding.tool import Fault, seeded
from tests.support.waves import NOW, approve, person
from waves.choices import WaveState
from waves.errors import NotCounted

pytestmark = pytest.mark.django_db
FULL = os.environ.get("FAIRWAVE_FULL") == "1"
SEEDED = [fault for fault in FAULTS if FULL or fault.says in CHOSEN]


def outcome_with(fault: Fault) -> str:
    """What becomes of a wave in a product that has the fault."""
    with seeded(fault):
        campaign = crowded(**fault.presale)
        try:
            with transaction.atomic():
                wave = prepared(campaign, **fault.request)
        except (Refusal, DatabaseError) as error:
            return f"not prepared: {type(error).__name__}"
        try:
            return str(approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW).state)
        except NotCounted:
            return "second count differs"


@pytest.mark.parametrize("fault", SEEDED, ids=str)
def test_x14_a_seeded_fault_is_stopped_before_approval(fault):
    expected = "second count differs"
    if fault.says in NOT_STOPPED:
        expected = WaveState.APPROVED
    assert outcome_with(fault) == REFUSED_EARLIER.get(fault.says, expected)


@pytest.mark.parametrize("asked", [{}, BY_MARKET, {"min_score": 0.25}], ids=str)
def test_x14_without_a_fault_the_same_presale_is_approved(asked):
    wave = prepared(crowded(), **asked)
    wave = approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)
    assert (wave.state, wave.count_problems) == (WaveState.APPROVED, [])


def test_x14_at_least_50_faults_are_seeded_and_at_least_95_percent_of_them_stopped():
    assert len({fault.says for fault in FAULTS}) == len(FAULTS) >= 50
    assert len(NOT_STOPPED) <= 0.05 * len(FAULTS)
    assert {fault.says for fault in FAULTS} > CHOSEN
