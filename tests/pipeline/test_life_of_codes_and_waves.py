"""Whatever happens to codes and waves, in whatever order, the rules hold after every step. [K-1,
K-5, K-6, W-2, W-5, W-9]
"""

from __future__ import annotations

import secrets

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import FULL
from tests.pipeline.disturbances import Disturbance
from tests.pipeline.wave_life import KEYS, Life
from tests.support.life.code_moves import note_moves
from tests.support.life.code_service_here import serving
from waves.choices import WaveState
from waves.models import Wave

pytestmark = pytest.mark.django_db

EXAMPLES, STEPS = (300, 40) if FULL else (5, 15)
WISHES = [["west", "east"], ["west"], []] * 3 + [["east"]]


@pytest.fixture
def life(settings, monkeypatch):
    """The machine's class, with a code service; every change of a code is noted."""
    monkeypatch.setattr("waves.codes.partner_http.FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr("waves.codes.partner_generation.LOOK_SECONDS", 0.005)
    settings.CODE_SERVICE_SECONDS = 5
    settings.CODE_SERVICE_CONCURRENCY = 2
    note_moves()
    with serving() as service:
        settings.CODE_SERVICE_URL = service.url
        # the fixture's settings grow by a layer with each change, and the machine makes thousands
        Life.service, Life.settings = service, django_settings
        Life.done.clear()
        yield Life


def test_whatever_happens_to_codes_and_waves_their_rules_hold(life):
    number = secrets.randbelow(2**40)
    if FULL:
        print(f"seed {number}")  # noqa: T201 to be run again with it
    run_state_machine_as_test(
        seed(number)(life) if FULL else life,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(dict(life.done.most_common()))  # noqa: T201 what was reached, and what was refused
    reached = {WaveState.PREPARED, WaveState.FAILED, WaveState.CANCELLED}
    assert not FULL or life.done.keys() >= reached


@pytest.fixture
def machine(life):
    machine = life()
    machine.begin(wishes=WISHES, west=3, east=2, source="partner|own")
    yield machine
    machine.teardown()


def test_each_step_of_the_machine_does_its_work(machine):
    died = Disturbance("waves.uploads.upload:_apply", nth=1, after=False, deadly=True)
    rows = [(0, "west", "GIVEN1"), (1, "west", "")]
    machine.upload(KEYS[0], rows, generates=True, disturbance=died)
    machine.check()
    assert states_of(machine) == ["code_generated"]
    machine.the_service_goes_away()
    machine.workers_take_up_what_waits(None)
    machine.go_on(0, steps=3, hours=0, outcome="sent")
    assert machine.done["a code found again"] == 1
    machine.the_service_is_back()
    machine.go_on(0, steps=1, hours=0, outcome="sent")
    machine.import_codes(2, "")
    broken = Disturbance("waves.preparation.prepare:wave_zip", nth=1, after=True, deadly=False)
    machine.prepare_simply(KEYS[1], in_worker=False, disturbance=broken)
    machine.check()
    assert states_of(machine) == ["completed", "failed"]
    machine.workers_take_up_what_waits(None)
    machine.edit_template(1, on_the_page=True)
    machine.go_on(1, steps=3, hours=3, outcome="")
    machine.by_hand(1, "cancel")
    machine.check()
    assert states_of(machine) == ["completed", "cancelled"]
    machine.the_service_settles()
    machine.change_capacity("west", 6)
    machine.prepare(KEYS[2], in_worker=True, disturbance=None, order=None, file=None, reassign=True)
    machine.check()
    assert states_of(machine) == ["completed", "cancelled", "prepared"]


def states_of(machine):
    waves = Wave.objects.filter(campaign=machine.campaign).order_by("pk")
    return list(waves.values_list("state", flat=True))
