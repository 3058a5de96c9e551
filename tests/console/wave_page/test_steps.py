"""Each step of a wave says who made it last, and when. [W-2]"""

from __future__ import annotations

import pytest

from console.wave_page.steps import Step, marked, steps_of
from operations.models import StatusChange
from tests.support.database import kept
from tests.support.waves import NOTIFY, NOW, campaign_with, person, request
from waves import actions
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.schedule import unschedule

pytestmark = pytest.mark.django_db


def who(wave: Wave) -> list[tuple[str, str, str]]:
    return [(step.name, step.mark, step.by) for step in steps_of(Wave.objects.get(pk=wave.pk))]


def test_w2_each_step_that_was_made_says_by_whom_and_a_lost_approval_is_no_step():
    wave = kept.scheduled()
    steps = steps_of(Wave.objects.get(pk=wave.pk))
    assert all(step.at for step in steps[:4])
    assert not any(step.at for step in steps[4:])
    assert who(wave) == [
        ("configured", "done", "ann"),
        ("prepared", "done", "ann"),
        ("approved", "done", "bob"),
        ("scheduled", "now", "bob"),
        ("triggered", "", ""),
        ("completed", "", ""),
    ]
    later = {"notify_date": NOTIFY.replace(day=25), "now": NOW, "reason": "the hall moved"}
    actions.reschedule(wave, by=person("carl"), **later)
    # going back to PREPARED is not preparing it
    assert who(wave)[1:4] == [
        ("prepared", "now", "ann"),
        ("approved", "", ""),
        ("scheduled", "", ""),
    ]


def test_w2_who_unscheduled_a_wave_did_not_approve_it():
    wave = kept.scheduled()
    unschedule(wave, by=person("carl"), reason="wait")
    assert who(wave)[2] == ("approved", "now", "bob")


def test_w2_a_cancelled_wave_shows_how_far_it_came():
    wave = prepare(request(campaign_with()), by=person("ann"), now=NOW).wave
    actions.cancel(wave, by=person("carl"), reason="no tour")
    assert who(wave) == [
        ("configured", "done", "ann"),
        ("prepared", "done", "ann"),
        ("cancelled", "now", "carl"),
    ]


def test_w3_an_uploaded_wave_has_the_step_of_its_codes():
    made = StatusChange(to_state="code_generated", from_state="configured", at=NOW)
    assert marked("uploaded", "code_generated", [made])[:3] == [
        Step("configured", "done"),
        Step("code_generated", "now", NOW),
        Step("prepared", ""),
    ]
